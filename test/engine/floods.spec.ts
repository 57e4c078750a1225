import { afterEach, describe, expect, it } from 'vitest';
import type { ServerConnection } from '../../lib/server/connection.js';
import { createEngine, type Engine, turn, until } from './engine.js';

/** How many calls of one peer begin in a turn of the event loop. */
const TURN = 128;

let engine: Engine<typeof handlers>;
let begun = 0;
/** How many calls of the peer were told their end or their error. */
let answered = 0;

const handlers = {
  begin: () => {
    begun++;
    return 1;
  },
  fail: () => {
    begun++;
    throw new Error('always');
  },
  ready: () => 'ready',
};

afterEach(() => engine.close());

/** A peer that sends what it likes, and what the server does with its socket. */
function attack() {
  begun = 0;
  answered = 0;
  engine = createEngine(handlers);
  const told: string[] = [];
  const peer = engine.server.accept(
    {
      bufferedBytes: 0,
      send: (message) => {
        answered += String(message).split(/\[[56],/).length - 1;
        return true;
      },
      close: (code) => told.push(`close ${code}`),
      terminate: () => told.push('terminate'),
      pause: () => told.push('pause'),
      resume: () => told.push('resume'),
    },
    { codec: 'json', headers: {}, remoteAddress: 'raw' },
  );
  peer.receive('[[0,[4096,262144],null]]');
  return { peer, told };
}

function send(peer: ServerConnection, method: string, from: number, count: number): void {
  const frames = Array.from({ length: count }, (_, i) => `[2,${from + i},"test.${method}",[],[]]`);
  peer.receive(`[${frames}]`);
}

describe('A peer that opens thousands of calls in one message', () => {
  it.each(['begin', 'fail', 'unknown'])(
    'lets others be served meanwhile: test.%s',
    async (method) => {
      const { peer } = attack();
      await engine.client.test.ready();
      send(peer, method, 1, 40_000);
      for (let waits = 1; waits <= 5; waits++) {
        expect(await engine.client.test.ready()).toBe('ready');
        expect(answered).toBeGreaterThan(0);
        expect(answered).toBeLessThan(waits * 10 * TURN);
      }
      peer.closed(1006, '');
    },
  );

  it('has them all taken in order, with what follows behind them', async () => {
    const { peer, told } = attack();
    send(peer, 'begin', 1, 1000);
    expect(begun).toBe(TURN);
    expect(told).toEqual(['pause']);
    send(peer, 'begin', 1001, 100);
    // Nothing of it was lost when the socket closes.
    peer.closed(1000, '');
    expect(engine.server.connections.size).toBe(1);
    await until(() => engine.server.connections.size === 0);
    expect(begun).toBe(1100);
    expect(told).toEqual(['pause', 'resume']);
  });

  it('is closed for a violation among them, and the rest is not looked at', async () => {
    const { peer, told } = attack();
    send(peer, 'begin', 1, 200);
    send(peer, 'begin', 150, 1);
    send(peer, 'begin', 201, 500);
    await until(() => told.includes('close 4409'));
    for (let i = 0; i < 10; i++) await turn();
    expect(begun).toBe(200);
  });

  it('is not held back when it opens fewer than that at a time', async () => {
    const { peer, told } = attack();
    for (let round = 0; round < 20; round++) {
      send(peer, 'begin', 1 + round * 100, 100);
      await turn();
      await turn();
    }
    expect(begun).toBe(2000);
    expect(told).toEqual([]);
    peer.closed(1006, '');
  });
});
