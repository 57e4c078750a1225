import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createStreamingClient,
  Serializable,
  StreamController,
  StreamError,
  type StreamingClientControl,
  type StreamingClientOptions,
} from '../../lib/client/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { collect, failure, type Methods, until } from '../engine/engine.js';
import type { Frame, RawPeer } from './raw-peer.js';
import { RawServer, WELCOME } from './raw-server.js';

@Serializable()
class Point {
  x = 0;
  y = 0;
}

type Client = StreamingClientControl & {
  readonly test: Methods<Record<'a' | 'b' | 'c', unknown>>;
};

const CODECS: CodecName[] = ['json', 'msgpack'];

let server: RawServer;
let client: Client;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

function create(options: Partial<StreamingClientOptions> = {}): Client {
  client = createStreamingClient({
    url: server.url,
    models: [Point],
    backoff: { firstMs: 1, maxMs: 2 },
    ...options,
  }) as unknown as Client;
  return client;
}

/** The client's next connection, with a call `a` open on it. */
async function openA(...args: unknown[]) {
  const output = client.test.a(...args);
  output.then(undefined, () => undefined);
  const peer = await server.welcome();
  const open = await peer.next();
  expect(open.slice(0, 3)).toEqual([2, 1, 'test.a']);
  return { output, peer };
}

beforeEach(async () => {
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
  server = await RawServer.start();
});

afterEach(async () => {
  await client.close();
  await server.stop();
  process.off('uncaughtException', onUncaught);
  process.off('unhandledRejection', onUncaught);
  expect(uncaught.splice(0)).toEqual([]);
});

describe('Section 2, a client that connects', () => {
  it.each(CODECS)('offers the subprotocol of %s and says hello first', async (codec) => {
    create({ codec, credentials: () => 'token', limits: { windowItems: 10, windowBytes: 500 } });
    void client.test.a();
    const peer = await server.accept();
    expect(peer.socket.protocol).toBe(`nestjs-streaming.v1.${codec}`);
    expect(await peer.next()).toEqual([0, [10, 500], 'token']);
  });

  it('opens no call before it was welcomed', async () => {
    create();
    void client.test.a(1);
    const peer = await server.accept();
    await peer.next();
    expect(await peer.settled()).toEqual([]);
    peer.send(WELCOME);
    expect(await peer.next()).toEqual([2, 1, 'test.a', [1], []]);
  });

  it('fails its calls with connect-timeout when no welcome comes', async () => {
    create({ connectTimeoutMs: 60 });
    const error = failure(client.test.a());
    const peer = await server.accept();
    expect(await error).toMatchObject({ code: 'connect-timeout' });
    expect((await peer.closed).code).not.toBe(1000);
    expect(client.status).toBe('idle');
  });

  it.each([
    ['a welcome without credit', [1, 'raw', [0, 1], 1000]],
    ['a welcome without the largest message', [1, 'raw', [1, 1]]],
    ['a call that never was', [3, 1, 'stream']],
    ['no known frame', [99]],
  ])('fails its calls with connect-failed when the first frame is %s', async (_, frame) => {
    create();
    const error = failure(client.test.a());
    const peer = await server.accept();
    peer.send(frame);
    expect((await peer.closed).code).toBe(4400);
    expect(await error).toMatchObject({ code: 'connect-failed' });
  });

  it.each([4406, 1001, 4408])('tells the code %i of a server that closes it', async (code) => {
    create();
    const error = failure(client.test.a());
    const peer = await server.accept();
    peer.socket.close(code, 'told by the server');
    const { code: told, message } = await error;
    expect(told).toBe('connect-failed');
    expect(message).toContain(`${code}`);
    expect(message).toContain('told by the server');
  });

  it('fails its calls with connect-timeout when its handshake is not answered', async () => {
    const deaf = createServer().listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    create({
      url: `ws://127.0.0.1:${(deaf.address() as AddressInfo).port}/streaming`,
      connectTimeoutMs: 60,
    });
    const error = failure(client.test.a());
    const [socket] = (await once(deaf, 'connection')) as [Socket];
    socket.resume();
    expect(await error).toMatchObject({ code: 'connect-timeout' });
    await once(socket, 'close');
    deaf.close();
  });

  it('fails its calls with connect-failed when nobody listens', async () => {
    create({ url: 'ws://127.0.0.1:1/streaming' });
    expect(await failure(client.test.a())).toMatchObject({ code: 'connect-failed' });
  });

  it('closes on a second welcome with 4400', async () => {
    create();
    const { output, peer } = await openA();
    peer.send(WELCOME);
    expect((await peer.closed).code).toBe(4400);
    expect(await failure(collect(output))).toMatchObject({ code: 'connection-lost' });
  });

  it('answers pings, and pings itself', async () => {
    create({ limits: { pingIntervalMs: 40, pongTimeoutMs: 2_000 } });
    const { peer } = await openA();
    peer.send([10]);
    expect(await peer.next()).toEqual([11]);
    expect(await peer.next()).toEqual([10]);
  });

  it('gives a server up that does not answer, and fails its calls', async () => {
    create({ limits: { pingIntervalMs: 20, pongTimeoutMs: 40 } });
    const { output, peer } = await openA();
    const error = await failure(collect(output));
    expect(error.code).toBe('connection-lost');
    expect(error.message).toContain('4504');
    expect((await peer.closed).code).toBe(1006);
  });

  it('closes with 1000 when its last call is over and the grace period with it', async () => {
    create({ idleMs: 30 });
    const { output, peer } = await openA();
    peer.send([3, 1, 'value'], peer.item(1, 'done'), [5, 1]);
    expect(await output).toBe('done');
    expect((await peer.closed).code).toBe(1000);
    expect(client.status).toBe('idle');
  });
});

describe('Section 8, a client whose connection is closed', () => {
  it.each([1001, 1009, 1011, 4400, 4409, 4413, 4510])('tells each call of %i', async (code) => {
    create();
    const { output, peer } = await openA();
    const other = client.test.b();
    await peer.next();
    peer.socket.close(code, 'in a few words');
    for (const call of [collect(output), other]) {
      const error = await failure(call);
      expect(error).toBeInstanceOf(StreamError);
      expect(error.code).toBe('connection-lost');
      expect(error.message).toContain(`${code}, in a few words`);
    }
  });

  it('delivers what came before the close', async () => {
    create();
    const { output, peer } = await openA();
    peer.send([3, 1, 'stream'], peer.item(1, 'first', 'second'));
    peer.socket.close(1001);
    const items: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const item of output) items.push(item);
      })(),
    );
    expect(items).toEqual(['first', 'second']);
    expect(error.code).toBe('connection-lost');
  });

  it.each([1001, 1006, 4400])('connects again with the next call after %i', async (code) => {
    create();
    const { output, peer } = await openA();
    if (code === 1006) peer.socket.terminate();
    else peer.socket.close(code);
    await failure(collect(output));
    const next = client.test.a();
    const again = await server.welcome();
    expect((await again.next()).slice(0, 3)).toEqual([2, 1, 'test.a']);
    again.send([3, 1, 'value'], [5, 1]);
    expect(await next).toBeUndefined();
  });

  it('tells the sources of its inputs to stop', async () => {
    create();
    let stopped = false;
    const input = new StreamController({ onCancel: () => (stopped = true) });
    const { peer } = await openA(input);
    peer.socket.terminate();
    await until(() => stopped);
  });
});

describe.each(CODECS)('Sections 3 and 4, a client over %s', (codec) => {
  it.each<[string, Frame]>([
    ['of an unknown type', [14]],
    ['without a type', []],
    ['for the server: hello', [0, [1, 1], null]],
    ['for the server: open', [2, 9, 'x', [], []]],
    ['for the server: credentials', [13, 'evil']],
    ['opened with an unknown kind', [3, 1, 'evil']],
    ['opened for a call that never was', [3, 2, 'stream']],
    ['an item for a call that never was', [4, 2, 1, 1]],
    ['an item for a list with one', [4, [1, 2], 1, 1]],
    ['an item for a list of none', [4, [], 1, 1]],
    ['an item for a list with a stream twice', [4, [1, 1], 1, 1]],
    ['an item for a list with a text', [4, [1, 'evil'], 1, 1]],
    ['an item frame without items', [4, 1, 0]],
    ['an end of a call that never was', [5, 2]],
    ['an error of a call that never was', [6, 2, { code: 'internal', message: '' }]],
    ['an error without a body', [6, 1, 'evil']],
    ['a cancel of an input that never was', [7, 2]],
    ['credit for an input that never was', [8, 2, 1, 1]],
    ['a number that is none', [5, 'evil']],
    ['the number 0', [5, 0]],
    ['types of a wrong shape', [9, 'evil']],
  ])('closes on a frame with 4400, and fails its calls: %s', async (_, frame) => {
    create({ codec });
    const { output, peer } = await openA();
    peer.send(frame);
    const { code, reason } = await peer.closed;
    expect(code).toBe(4400);
    expect(reason).not.toContain('evil');
    expect(await failure(collect(output))).toMatchObject({ code: 'connection-lost' });
  });

  it.each([
    ['garbage', Buffer.from('c1', 'hex')],
    ['half a frame', Buffer.from('9403', 'hex')],
    ['garbage in text', 'evil'],
    ['a list of no frames', '[1]'],
  ])('closes on a message with 4400: %s', async (_, message) => {
    create({ codec });
    const { peer } = await openA();
    peer.raw(message);
    expect((await peer.closed).code).toBe(4400);
  });

  it('ignores the late frames of calls that are over', async () => {
    create({ codec });
    const { output, peer } = await openA(new StreamController());
    peer.send([3, 1, 'stream'], peer.item(1, 'a'), [5, 1]);
    expect(await collect(output)).toEqual(['a']);
    const late: Frame[] = [
      [3, 1, 'value'],
      peer.item(1, 'late'),
      [5, 1],
      [6, 1, { code: 'internal', message: 'late' }],
      [7, 2],
      [8, 2, 1, 1],
      [8, 1, 1, 1],
    ];
    peer.send(...late, ...late);
    expect(await peer.settled()).toEqual([]);
    expect(client.status).toBe('connected');
  });

  it('delivers one run to all calls of its list', async () => {
    create({ codec });
    const { output, peer } = await openA();
    const other = collect(client.test.b());
    await peer.next();
    peer.send([3, 1, 'stream'], [3, 2, 'stream'], peer.item([1, 2], 'both', { of: 'them' }));
    peer.send([5, 1], [5, 2]);
    expect(await collect(output)).toEqual(['both', { of: 'them' }]);
    expect(await other).toEqual(['both', { of: 'them' }]);
  });

  it('gives every call of a list an item of its own', async () => {
    create({ codec });
    const { output, peer } = await openA();
    const other = collect(client.test.b());
    await peer.next();
    const run = peer.item([1, 2], { list: [1] });
    peer.send([3, 1, 'stream'], [3, 2, 'stream'], run, [5, 1], [5, 2]);
    const [mine] = (await collect(output)) as { list: number[] }[];
    mine?.list.push(2);
    expect(await other).toEqual([{ list: [1] }]);
  });

  it('ignores those of a list that are over', async () => {
    create({ codec });
    const { output, peer } = await openA();
    const other = client.test.b();
    other.then(undefined, () => undefined);
    await peer.next();
    peer.send([3, 1, 'stream'], [3, 2, 'stream'], [5, 1], peer.item([1, 2], 'late'), [5, 2]);
    expect(await collect(output)).toEqual([]);
    expect(await collect(other)).toEqual(['late']);
    expect(client.status).toBe('connected');
  });

  it('charges a run to every call of its list', async () => {
    create({ codec, limits: { windowItems: 2 } });
    const { output, peer } = await openA();
    const other = client.test.b();
    other.then(undefined, () => undefined);
    await peer.next();
    peer.send([3, 1, 'stream'], [3, 2, 'stream'], peer.item([1, 2], 'a'), peer.item(2, 'b'));
    expect(await peer.settled()).toEqual([]);
    for await (const item of output) {
      expect(item).toBe('a');
      break;
    }
    peer.send(peer.item([1, 2], 'one too many'));
    expect((await peer.closed).code).toBe(4413);
  });

  it('gives credit back for what was taken, in batches', async () => {
    create({ codec, limits: { windowItems: 8 } });
    const { output, peer } = await openA();
    peer.send([3, 1, 'stream'], peer.item(1, 1, 2, 3, 4, 5, 6, 7, 8));
    const reader = output[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await reader.next();
    expect(await peer.settled()).toEqual([]);
    await reader.next();
    expect(await peer.next()).toEqual([8, 1, 4, peer.item(1, 1, 2, 3, 4)[2]]);
    await reader.return?.();
    expect(await peer.next()).toEqual([7, 1]);
  });

  it.each<[string, unknown[][]]>([
    ['items', [[1, 2, 3, 4], [5]]],
    ['items in one run', [[1, 2, 3, 4, 5]]],
    ['bytes', [['x'.repeat(200)], ['y']]],
  ])('closes with 4413 on a server that sends more %s than it may', async (_, runs) => {
    create({ codec, limits: { windowItems: 4, windowBytes: 100 } });
    const { output, peer } = await openA();
    peer.send([3, 1, 'stream'], ...runs.map((run) => peer.item(1, ...run)));
    expect((await peer.closed).code).toBe(4413);
    expect(await failure(collect(output))).toMatchObject({ code: 'connection-lost' });
  });

  it('sends no more of an input than the server allows', async () => {
    create({ codec });
    const output = client.test.a(numbers());
    output.then(undefined, () => undefined);
    const peer = await server.welcome([1, 'raw', [3, 1000], 1_048_576]);
    const items = async () =>
      (await peer.settled()).filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
    expect(await items()).toEqual([0, 1, 2]);
    peer.send([8, 2, 2, 0]);
    expect(await items()).toEqual([3, 4]);
    peer.send([8, 2, 1, 0], [8, 2, 2 ** 53 - 1, 2 ** 53 - 1], [7, 2]);
    expect((await items()).length).toBeLessThan(3);
  });

  it('stops an input that the server cancels; the call and its other input go on', async () => {
    create({ codec });
    let stopped = false;
    const one = new StreamController<unknown>({ onCancel: () => (stopped = true) });
    const two = new StreamController<unknown>();
    const { output, peer } = await openA(one, 'plain', two);
    peer.send([3, 1, 'stream'], [7, 2]);
    await until(() => stopped);
    void two.add('still');
    two.close();
    expect(await peer.next()).toEqual(peer.item(3, 'still'));
    expect(await peer.next()).toEqual([5, 3]);
    peer.send(peer.item(1, 'done'), [5, 1]);
    expect(await collect(output)).toEqual(['done']);
  });

  it('tells that an input failed, and not a word of why', async () => {
    create({ codec });
    const input = new StreamController<unknown>();
    const { peer } = await openA(input);
    void input.add('before');
    input.addError(new Error('secret inner text'));
    expect(await peer.next()).toEqual(peer.item(2, 'before'));
    const [type, stream, error] = await peer.next();
    expect([type, stream]).toEqual([6, 2]);
    expect(error).toMatchObject({ code: 'internal' });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('cancels what is left, and takes nothing more of it', async () => {
    create({ codec });
    const { output, peer } = await openA();
    peer.send([3, 1, 'stream'], peer.item(1, 1, 2, 3));
    for await (const _ of output) break;
    expect(await peer.next()).toEqual([7, 1]);
    peer.send(peer.item(1, 4), [5, 1]);
    expect(await peer.settled()).toEqual([]);
  });

  it('fails only the call with an item of a name it does not know', async () => {
    create({ codec });
    const { output, peer } = await openA();
    const sibling = collect(client.test.b());
    await peer.next();
    peer.send([3, 1, 'stream'], [3, 2, 'stream'], [9, [[7, 'Nobody']]]);
    if (codec === 'json') peer.send(peer.item(1, 'good'), peer.item(1, { $: 7, v: {} }));
    else peer.raw(Buffer.from('94 04 01 05 c7 02 05 07 80'.replaceAll(' ', ''), 'hex'));
    expect(await peer.next()).toEqual([7, 1]);
    const error = await failure(collect(output));
    expect(error.code).toBe('invalid-argument');
    expect(error.message).toContain('"Nobody"');
    peer.send(peer.item(1, 'late'), peer.item(2, 'alive'), [5, 2]);
    expect(await sibling).toEqual(['alive']);
  });

  it.each(['{"__proto__":{"polluted":1}}', '[{"a":{"constructor":{}}}]'])(
    'fails only the call with the item %s',
    async (text) => {
      create({ codec });
      const { output, peer } = await openA();
      const sibling = collect(client.test.b());
      await peer.next();
      peer.send([3, 1, 'stream'], [3, 2, 'stream'], peer.item(1, JSON.parse(text)));
      peer.send(peer.item(2, 'alive'), [5, 2]);
      expect(await failure(collect(output))).toMatchObject({ code: 'invalid-argument' });
      expect(await sibling).toEqual(['alive']);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );

  it('catches the error that the server told, and takes an unknown code as internal', async () => {
    create({ codec });
    const { output, peer } = await openA();
    const other = client.test.b();
    await peer.next();
    peer.send([6, 1, { code: 'not-found', message: 'None.', data: { at: 1 }, id: 'e1', more: 1 }]);
    peer.send([6, 2, { code: 'connection-lost', message: 'Lie.' }]);
    const error = await failure(output);
    expect(error).toBeInstanceOf(StreamError);
    expect(error).toMatchObject({ code: 'not-found', message: 'None.', data: { at: 1 }, id: 'e1' });
    expect(await failure(other)).toMatchObject({ code: 'internal', message: 'Lie.' });
  });

  it('rejects with an error of its own when the server ends a call that it never opened', async () => {
    create({ codec });
    const { output, peer } = await openA();
    peer.send([5, 1]);
    expect(await failure(output)).toBeInstanceOf(StreamError);
  });
});

describe.each(CODECS)('Section 9, a client whose server takes small messages, over %s', (codec) => {
  const small = [1, 'raw', [4096, 262_144], 4_000];

  it('fails only the call whose arguments are too large', async () => {
    create({ codec });
    const sibling = client.test.a('small');
    const peer = await server.welcome(small);
    await peer.next();
    const error = await failure(client.test.b('x'.repeat(5_000)));
    expect(error.code).toBe('invalid-argument');
    peer.send([3, 1, 'value'], peer.item(1, 'alive'), [5, 1]);
    expect(await sibling).toBe('alive');
    void client.test.c('next');
    expect(await peer.next()).toEqual([2, 2, 'test.c', ['next'], []]);
  });

  it('fails only the input whose item is too large', async () => {
    create({ codec });
    const input = new StreamController<unknown>();
    const output = client.test.a(input);
    const peer = await server.welcome(small);
    await peer.next();
    void input.add('fits');
    void input.add('x'.repeat(5_000)).catch(() => undefined);
    expect(await peer.next()).toEqual(peer.item(2, 'fits'));
    expect((await peer.next()).slice(0, 2)).toEqual([6, 2]);
    peer.send([3, 1, 'value'], peer.item(1, 'alive'), [5, 1]);
    expect(await output).toBe('alive');
  });

  it('never sends a message larger than the server takes', async () => {
    create({ codec });
    const inputs = [1, 2, 3].map(() => new StreamController<string>());
    const output = client.test.a(...inputs);
    output.then(undefined, () => undefined);
    const peer = await server.welcome(small);
    for (const input of inputs) {
      for (let i = 0; i < 60; i++) void input.add('é日'.repeat(i * 5));
      input.close();
    }
    let ends = 0;
    await peer.until(([type]) => type === 5 && ++ends === 3);
    expect(peer.largest).toBeLessThanOrEqual(4_000);
    expect(peer.largest).toBeGreaterThan(1_000);
  });
});

describe('Section 4, a client whose server drains', () => {
  let old: RawPeer;

  beforeEach(async () => {
    create({ idleMs: 10_000 });
  });

  it('opens its next call on a new connection while the old calls finish', async () => {
    const { output, peer } = await openA();
    old = peer;
    old.send([3, 1, 'stream'], [12], [12]);
    await old.settled();
    const next = client.test.b();
    const fresh = await server.welcome();
    expect((await fresh.next()).slice(0, 3)).toEqual([2, 1, 'test.b']);
    old.send(old.item(1, 'still delivered'), [5, 1]);
    fresh.send([3, 1, 'value'], fresh.item(1, 'new'), [5, 1]);
    expect(await collect(output)).toEqual(['still delivered']);
    expect(await next).toBe('new');
    expect((await old.closed).code).toBe(1000);
    expect(client.status).toBe('connected');
    expect(server.connections).toBe(2);
  });

  it('closes at once when no call is open', async () => {
    const { output, peer } = await openA();
    peer.send([3, 1, 'value'], [5, 1]);
    await output;
    peer.send([12]);
    expect((await peer.closed).code).toBe(1000);
  });

  it('tells a call that crossed with it that the server is unavailable', async () => {
    const { output, peer } = await openA();
    peer.send([12], [6, 1, { code: 'unavailable', message: 'The server is going away.' }]);
    expect(await failure(output)).toMatchObject({ code: 'unavailable' });
  });
});

async function* numbers(): AsyncGenerator<number> {
  for (let i = 0; ; i++) yield i;
}
