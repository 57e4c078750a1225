import { describe, expect, it } from 'vitest';
import type { Transport } from '../protocol/transport.js';
import { createWebSocketConnect, type WebSocketClass, type WebSocketLike } from './web-socket.js';

/** What a platform's WebSocket shows; the test is the platform. */
class FakeSocket implements WebSocketLike {
  readonly log: unknown[] = [];
  binaryType = 'blob';
  bufferedAmount = 0;
  protocol = 'chosen';
  readyState = 0;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;

  fire(name: 'open' | 'message' | 'close' | 'error', event: unknown = {}): void {
    if (name === 'open') this.readyState = 1;
    if (name === 'close') this.readyState = 3;
    (this[`on${name}`] as (event: unknown) => void)(event);
  }

  send(message: string | Uint8Array): void {
    this.log.push(['send', message]);
  }

  close(...args: unknown[]): void {
    this.log.push(['close', ...args]);
  }
}

function connect(problem?: Error) {
  const log: unknown[] = [];
  const made: FakeSocket[] = [];
  let transport: Transport | undefined;
  class Watched extends FakeSocket {
    constructor(...args: unknown[]) {
      super();
      log.push(['connect', ...args]);
      if (problem !== undefined) throw problem;
      made.push(this);
    }
  }
  const webSocketClass: WebSocketClass = Watched;
  const giveUp = createWebSocketConnect('ws://host/path', webSocketClass)(['a', 'b'], {
    opened: (opened, subprotocol) => {
      transport = opened;
      log.push(['opened', subprotocol]);
    },
    message: (message) => log.push(['message', message]),
    drained: () => log.push('drained'),
    closed: (code, reason) => log.push(['closed', code, reason]),
  });
  const open = () => {
    made[0]?.fire('open');
    return transport as Transport;
  };
  return { log, socket: made[0] as FakeSocket, open, giveUp };
}

function microtask(): Promise<void> {
  return Promise.resolve();
}

describe('A client’s WebSocket', () => {
  it('is opened with the URL and the subprotocols, and tells what comes', () => {
    const { log, socket, open } = connect();
    open();
    expect(socket.binaryType).toBe('arraybuffer');
    socket.fire('message', { data: 'text' });
    socket.fire('message', { data: new Uint8Array([1, 2]).buffer });
    socket.fire('close', { code: 4400, reason: 'why' });
    expect(log).toEqual([
      ['connect', 'ws://host/path', ['a', 'b']],
      ['opened', 'chosen'],
      ['message', 'text'],
      ['message', new Uint8Array([1, 2])],
      ['closed', 4400, 'why'],
    ]);
  });

  it('that cannot even be made is closed, later', async () => {
    const { log } = connect(new SyntaxError('no URL'));
    expect(log).toHaveLength(1);
    await microtask();
    expect(log.slice(1)).toEqual([['closed', 1006, 'no URL']]);
  });

  it('tells of its end once, with what the error said', async () => {
    const { log, socket } = connect();
    socket.fire('error', { message: 'refused' });
    socket.fire('close', { code: 1006, reason: '' });
    await microtask();
    expect(log.slice(1)).toEqual([['closed', 1006, 'refused']]);
  });

  it('says what to look at when the server has nothing at its path', async () => {
    const { log, socket } = connect();
    socket.fire('error', { message: 'Unexpected server response: 404' });
    await microtask();
    const told = expect.stringMatching(/404: no StreamingModule answers .* '\/streaming'/);
    expect(log.slice(1)).toEqual([['closed', 1006, told]]);
  });

  it('is over when its handshake fails, although its platform reports no close', async () => {
    const { log, socket } = connect();
    socket.fire('error', {});
    await microtask();
    expect(log.slice(1)).toEqual([['closed', 1006, '']]);
    socket.fire('close', { code: 1006, reason: '' });
    expect(log).toHaveLength(2);
  });

  it('waits for the close behind an error once it is open', async () => {
    const { log, socket, open } = connect();
    open();
    socket.fire('error', { message: 'reset' });
    await microtask();
    expect(log).toHaveLength(2);
    socket.fire('close', { code: 1006, reason: '' });
    expect(log.at(-1)).toEqual(['closed', 1006, 'reset']);
  });

  it('sends nothing unless it is open', () => {
    const { socket, open } = connect();
    const transport = open();
    transport.send('one');
    socket.readyState = 2;
    transport.send('two');
    expect(socket.log).toEqual([['send', 'one']]);
  });

  it('closes with no code that a browser would refuse', () => {
    const { socket, open } = connect();
    const transport = open();
    transport.close(1000, '');
    transport.close(4413, 'too much');
    transport.close(1011, 'an error inside');
    expect(socket.log).toEqual([['close', 1000, ''], ['close', 4413, 'too much'], ['close']]);
  });

  it('is given up by closing it where it cannot be terminated', () => {
    const { socket, giveUp } = connect();
    giveUp();
    expect(socket.log).toEqual([['close']]);
  });

  it('tells that its buffer ran empty, once, and looks no more after that or the close', async () => {
    const { log, socket, open } = connect();
    const transport = open();
    socket.bufferedAmount = 100_000;
    transport.send('much');
    transport.send('more');
    expect(transport.bufferedBytes).toBe(100_000);
    await delay(12);
    expect(log).not.toContain('drained');
    socket.bufferedAmount = 0;
    await delay(12);
    expect(log.filter((entry) => entry === 'drained')).toHaveLength(1);
    socket.bufferedAmount = 100_000;
    transport.send('again');
    socket.fire('close', { code: 1000, reason: '' });
    socket.bufferedAmount = 0;
    await delay(12);
    expect(log.filter((entry) => entry === 'drained')).toHaveLength(1);
  });
});

/** A few looks at the buffer: nothing tells when it ran empty. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
