import { get } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Serializable } from '../../lib/model/registry.js';
import type { Limits } from '../../lib/protocol/limits.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { until } from '../engine/engine.js';
import { createHandlers, type Seen } from './handlers.js';
import type { Frame, RawPeer } from './raw-peer.js';
import { RealServer } from './real-server.js';

@Serializable()
class Point {
  x = 0;
  y = 0;
}

const JSON_NAME = 'nestjs-streaming.v1.json';
const MSGPACK_NAME = 'nestjs-streaming.v1.msgpack';
const CODECS: CodecName[] = ['json', 'msgpack'];

let server: RealServer;
let seen: Seen;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

async function start(limits: Partial<Limits> = {}): Promise<RealServer> {
  seen = [];
  server = await RealServer.start(createHandlers(seen), { limits, models: [Point] });
  return server;
}

beforeEach(() => {
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
});

afterEach(async () => {
  await server.servesOthers();
  await server.stop();
  process.off('uncaughtException', onUncaught);
  process.off('unhandledRejection', onUncaught);
  expect(uncaught.splice(0)).toEqual([]);
});

/** Sends frames on a connection of its own and tells the code it is closed with. */
async function closeCode(codec: CodecName, ...frames: Frame[]): Promise<number> {
  const peer = await server.connect(codec);
  peer.send(...frames);
  const { code, reason } = await peer.closed;
  expect(reason).not.toBe('');
  expect(reason).not.toContain('evil');
  return code;
}

/** The error a call is refused or failed with. */
async function errorOf(peer: RawPeer, call: number): Promise<Record<string, unknown>> {
  const { last } = await peer.output(call);
  expect(last.slice(0, 2)).toEqual([6, call]);
  return last[2] as Record<string, unknown>;
}

describe('Section 2, connecting', () => {
  beforeEach(() => start());

  it.each([
    [[JSON_NAME, MSGPACK_NAME], JSON_NAME],
    [[MSGPACK_NAME, JSON_NAME], MSGPACK_NAME],
    [['nestjs-streaming.v9.json', 'mqtt', JSON_NAME], JSON_NAME],
  ])('chooses of %j the first it speaks: %s', async (offered, chosen) => {
    const peer = server.dial(offered, chosen === JSON_NAME ? 'json' : 'msgpack');
    await peer.next();
    expect(peer.socket.protocol).toBe(chosen);
  });

  it('accepts a client of other versions only, and closes it with 4406', async () => {
    const peer = server.dial(['mqtt', 'nestjs-streaming.v2.json', 'nestjs-streaming.v3.json']);
    expect((await peer.closed).code).toBe(4406);
    expect(peer.socket.protocol).toBe('nestjs-streaming.v2.json');
    expect(peer.messages).toBe(0);
  });

  it.each([[[]], [['mqtt', 'graphql-ws']]])(
    'answers a client that offers %j with HTTP 400',
    async (offered) => {
      const peer = server.dial(offered);
      const status = await new Promise((resolve) => {
        peer.socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
      });
      expect(status).toBe(400);
    },
  );

  it('lets go of a refused socket whose client keeps it open', async () => {
    const before = await server.socketCount();
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(
      'GET /streaming HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await new Promise((resolve) => {
      socket.on('end', resolve);
      socket.resume();
    });
    await eventually(async () => (await server.socketCount()) === before);
    socket.destroy();
  });

  it('is not disturbed by an upgrade that is no WebSocket', async () => {
    const status = await new Promise((resolve) => {
      get(
        {
          port: server.port,
          host: '127.0.0.1',
          headers: {
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-protocol': JSON_NAME,
          },
        },
        ({ statusCode }) => resolve(statusCode),
      );
    });
    expect(status).toBe(400);
  });

  it.each(CODECS)('welcomes the client at once, in %s', async (codec) => {
    const peer = server.dial([codec === 'json' ? JSON_NAME : MSGPACK_NAME], codec);
    expect(await peer.next()).toEqual([1, expect.any(String), [4096, 262_144], 1_048_576]);
  });

  it('closes a client that opens a call before hello with 4408', async () => {
    const peer = await server.welcomed();
    peer.send([2, 1, 'test.value', [1], []]);
    expect((await peer.closed).code).toBe(4408);
    expect(seen).toEqual([]);
  });

  it('closes a client whose first frame is credentials with 4408', async () => {
    const peer = await server.welcomed();
    peer.send([13, 'token']);
    expect((await peer.closed).code).toBe(4408);
  });

  it('closes a client that says hello twice with 4400', async () => {
    expect(await closeCode('json', [0, [1, 1], null])).toBe(4400);
  });

  it('delivers what the client sent right before it closed', async () => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.value', ['last words'], []]);
    peer.socket.close(1000);
    expect((await peer.closed).code).toBe(1000);
    await until(() => seen.length === 1);
    expect(seen).toEqual([['last words']]);
  });

  it.each(['close', 'terminate'] as const)(
    'tells every handler that the connection is lost when the client does a %s',
    async (way) => {
      const peer = await server.connect();
      peer.send([2, 1, 'test.silent', [null], [0]], [2, 3, 'test.late', [], []]);
      await peer.next();
      peer.socket[way]();
      await until(() => seen.length === 2);
      expect(seen).toEqual(['silent connection-lost', 'late connection-lost']);
    },
  );
});

describe('Section 2, silence', () => {
  it('closes a client whose hello does not come in time with 4408', async () => {
    await start({ helloTimeoutMs: 40 });
    const peer = await server.welcomed();
    expect((await peer.closed).code).toBe(4408);
  });

  it('pings a silent client, and gives it up when no answer comes', async () => {
    await start({ pingIntervalMs: 150, pongTimeoutMs: 150 });
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [], []]);
    expect(await peer.until(([type]) => type === 10)).toHaveLength(2);
    expect((await peer.closed).code).toBe(1006);
    expect(server.closings).toEqual([4504]);
    await until(() => seen.length === 1);
    expect(seen).toEqual(['silent connection-lost']);
  });

  it('keeps a client that answers, and one whose other frames tell that it lives', async () => {
    await start({ pingIntervalMs: 50, pongTimeoutMs: 300 });
    const [answering, talking] = [await server.connect(), await server.connect()];
    answering.answersPings = true;
    talking.send([2, 1, 'test.silent', [], []]);
    for (let i = 0; i < 20; i++) {
      talking.send([8, 1, 0, 0]);
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    expect(server.closings).toEqual([]);
  });
});

describe.each(CODECS)('Section 3, messages and frames in %s', (codec) => {
  beforeEach(() => start());

  it('takes the frames of a message in order', async () => {
    const peer = await server.connect(codec);
    peer.send(
      [2, 1, 'test.sum', [null], [0]],
      peer.item(2, 1, 2),
      peer.item(2, 3),
      [5, 2],
      [2, 3, 'test.value', [1], []],
    );
    const frames = await peer.until(([type, id]) => type === 5 && id === 1);
    expect(frames.filter(([, id]) => id === 1)).toEqual([[3, 1, 'value'], peer.item(1, 6), [5, 1]]);
    expect(frames).toContainEqual(peer.item(3, 1));
  });

  it('gathers what one turn makes into one message', async () => {
    const peer = await server.connect(codec);
    await peer.settled();
    const before = peer.messages;
    peer.send([2, 1, 'test.count', [3], []]);
    expect(await peer.until(([type]) => type === 5)).toEqual([
      [3, 1, 'stream'],
      peer.item(1, 0, 1, 2),
      [5, 1],
    ]);
    expect(peer.messages - before).toBe(1);
  });

  it('ignores elements beyond those of the page, whatever they are', async () => {
    const peer = await server.connect(codec);
    const evil = JSON.parse('{"__proto__": {"polluted": 1}}') as unknown;
    peer.send([2, 1, 'test.echo', [null], [0], 'more'], [8, 1, 5, 5, evil], [10, evil], [11, 1]);
    peer.send(peer.item(2, 'a'), [5, 2, evil]);
    expect(await peer.output(1)).toEqual({ items: ['a'], last: [5, 1] });
  });

  it.each<[string, Frame]>([
    ['of an unknown type', [14]],
    ['of a type that is no number', ['evil']],
    ['without a type', []],
    ['for the client: welcome', [1, 'evil', [1, 1], 1000]],
    ['for the client: opened', [3, 1, 'stream']],
    ['for the client: drain', [12]],
    ['open without a method', [2, 1, null, [], []]],
    ['open without arguments', [2, 1, 'test.value']],
    ['open without places', [2, 1, 'test.value', []]],
    ['open with an input beyond its arguments', [2, 1, 'test.echo', [null], [1]]],
    ['open with inputs that do not grow', [2, 1, 'test.merge', [null, null], [1, 0]]],
    ['open with an input twice', [2, 1, 'test.merge', [null, null], [0, 0]]],
    ['open with the number 0', [2, 0, 'test.value', [1], []]],
    ['open with a negative number', [2, -1, 'test.value', [1], []]],
    ['open with half a number', [2, 1.5, 'test.value', [1], []]],
    ['open with a number beyond 2^53', [2, 2 ** 53, 'test.value', [1], []]],
    ['open whose inputs go beyond 2^53', [2, 2 ** 53 - 1, 'test.echo', [null], [0]]],
    ['open with a text as its number', [2, '1', 'test.value', [1], []]],
    ['credit that is negative', [8, 1, -1, 1]],
    ['credit without bytes', [8, 1, 1]],
    ['an item frame without items', [4, 1, 0]],
    ['an item frame without a size', [4, 1, null, 1]],
    ['an item frame for a list that holds no number', [4, ['evil'], 1, 1]],
    ['an error without a body', [6, 1]],
    ['an error whose code is no text', [6, 1, { code: 1, message: 'evil' }]],
    ['credentials that are no text', [13, { evil: true }]],
  ])('closes on a frame with 4400: %s', async (_, frame) => {
    expect(await closeCode(codec, frame)).toBe(4400);
  });

  it.each<[string, Frame]>([
    ['with no items', [0, [0, 1], null]],
    ['with no bytes', [0, [1, 0], null]],
    ['with no credit', [0, null, null]],
    ['with credentials that are no text', [0, [1, 1], 7]],
  ])('closes on a hello %s with 4400', async (_, frame) => {
    const peer = await server.welcomed(codec);
    peer.send(frame);
    expect((await peer.closed).code).toBe(4400);
  });

  it('does nothing of what stands behind a violation', async () => {
    const open = (id: number): Frame => [2, id, 'test.value', [id], []];
    expect(await closeCode(codec, open(1), [14], open(2))).toBe(4400);
    expect(seen).toEqual([[1]]);
  });
});

describe('Section 3, messages that are none', () => {
  beforeEach(() => start());

  it.each([
    ['garbage', 'evil {'],
    ['nothing', ''],
    ['an object', '{"0":[10]}'],
    ['a list of no frames', '[10]'],
    ['half a message', '[[10]'],
    ['two messages', '[[10]][[10]]'],
    ['a word of another language', '[[10,NaN]]'],
  ])('closes on JSON text that is %s with 4400', async (_, text) => {
    const peer = await server.connect();
    peer.raw(text);
    expect((await peer.closed).code).toBe(4400);
  });

  it.each([
    ['garbage', 'c1'],
    ['no frame', '0a'],
    ['a frame cut short', '94 04 02 01'],
    ['a frame that tells more elements than it has', 'dd ff ff ff ff'],
    ['a text that is not UTF-8', '92 0d a2 c3 28'],
    ['a text that tells more than it has', '92 0d db ff ff ff ff 00'],
  ])('closes on MessagePack that is %s with 4400', async (_, hex) => {
    const peer = await server.connect('msgpack');
    peer.raw(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    expect((await peer.closed).code).toBe(4400);
  });

  it('closes on a binary message where JSON was agreed on, and the other way, with 4400', async () => {
    const [json, msgpack] = [await server.connect('json'), await server.connect('msgpack')];
    json.raw(Buffer.from('[[10]]'));
    msgpack.raw('[[10]]');
    expect([(await json.closed).code, (await msgpack.closed).code]).toEqual([4400, 4400]);
  });

  it('closes on a text message that is not UTF-8 with 1007', async () => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [], []]);
    await peer.next();
    peer.socket.send(Buffer.from([0x5b, 0xff, 0x5d]), { binary: false });
    expect((await peer.closed).code).toBe(1007);
    await until(() => seen.length === 1);
  });

  it('closes on a message larger than it takes with 1009', async () => {
    await server.stop();
    await start({ messageBytes: 1000 });
    const peer = await server.connect();
    peer.send([2, 1, 'test.value', ['x'.repeat(900)], []], [2, 2, 'test.silent', [], []]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
    peer.raw(`[[10]${' '.repeat(1000)}]`);
    expect((await peer.closed).code).toBe(1009);
    await until(() => seen.includes('silent connection-lost'));
  });

  it('ends the calls at once when it closes on a message, though the client lingers', async () => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [], []]);
    await peer.next();
    peer.socket.pause();
    peer.raw('x'.repeat(2_000_000));
    await until(() => seen.length === 1);
    expect(seen).toEqual(['silent connection-lost']);
  });
});

describe.each(CODECS)('Section 4, open and opened in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start({ callsPerConnection: 3, inputsPerCall: 2 });
    peer = await server.connect(codec);
  });

  it('answers a stream and a value with their kinds', async () => {
    peer.send(
      [2, 1, 'test.count', [1], []],
      [2, 2, 'test.value', [null], []],
      [2, 3, 'test.nothing', [], []],
    );
    const frames: Frame[] = [];
    for (let i = 0; i < 8; i++) frames.push(await peer.next());
    const of = (id: number) => frames.filter(([, stream]) => stream === id);
    expect(of(1)).toEqual([[3, 1, 'stream'], peer.item(1, 0), [5, 1]]);
    expect(of(2)).toEqual([[3, 2, 'value'], peer.item(2, null), [5, 2]]);
    expect(of(3)).toEqual([
      [3, 3, 'value'],
      [5, 3],
    ]);
  });

  it('puts inputs in their places among the arguments', async () => {
    peer.send([2, 7, 'test.first', [null, null, 'unused'], [0, 1]]);
    peer.send(peer.item(9, 'two'), peer.item(8, 'one'), [5, 9]);
    expect(await peer.output(7)).toEqual({ items: ['one', 'two'], last: [5, 7] });
  });

  it('takes numbers that leave gaps, up to the highest there is', async () => {
    const highest = 2 ** 53 - 1;
    peer.send([2, 5, 'test.value', [1], []], [2, 1_000_000, 'test.value', [2], []]);
    await peer.output(1_000_000);
    peer.send([2, highest, 'test.value', [3], []]);
    expect((await peer.output(highest)).items).toEqual([3]);
  });

  it.each([
    ['the same', 5],
    ['a smaller one', 4],
    ["an input's", 6],
  ])('closes on a number used again with 4409: %s', async (_, id) => {
    const opens: Frame[] = [
      [2, 5, 'test.echo', [null], [0]],
      [2, id, 'test.value', [1], []],
    ];
    expect(await closeCode(codec, ...opens)).toBe(4409);
  });

  it('closes on a number that was used for a refused call with 4409', async () => {
    const opens: Frame[] = [
      [2, 5, 'no.such', [null], [0]],
      [2, 6, 'test.value', [1], []],
    ];
    expect(await closeCode(codec, ...opens)).toBe(4409);
  });

  it.each([
    'test.unknown',
    'other.echo',
    'echo',
    'constructor',
    'test.constructor',
    '__proto__',
    'test.__proto__',
    'toString',
    'test.toString',
    'hasOwnProperty',
    'size',
    '',
    'test.echo ',
    'x'.repeat(10_000),
  ])('refuses the method "%s" as not found', async (method) => {
    peer.send([2, 1, method, [], []]);
    const error = await errorOf(peer, 1);
    expect(error).toEqual({
      code: 'not-found',
      message: `There is no streaming method "${method.slice(0, 100)}".`,
    });
  });

  it('ignores what was sent behind an open that it refused', async () => {
    peer.send([2, 1, 'test.unknown', [null], [0]], peer.item(2, 'x'), [5, 2], [8, 1, 1, 1], [7, 1]);
    expect(await errorOf(peer, 1)).toMatchObject({ code: 'not-found' });
    expect(await peer.settled()).toEqual([]);
  });

  it('refuses one call too many as exhausted; its siblings live, and a place comes free', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [2, 3, 'test.silent', [], []]);
    peer.send([2, 4, 'test.late', [], []], [2, 5, 'test.value', ['not run'], []]);
    expect(await errorOf(peer, 5)).toMatchObject({ code: 'resource-exhausted' });
    peer.send(peer.item(2, 'alive'), [5, 2]);
    expect(await peer.output(1)).toEqual({ items: ['alive'], last: [5, 1] });
    peer.send([2, 6, 'test.value', ['run'], []]);
    expect((await peer.output(6)).items).toEqual(['run']);
    expect(seen).toEqual([['run']]);
  });

  it('counts a cancelled call until its handler has settled', async () => {
    await server.stop();
    let release = (): void => undefined;
    const stuck = () =>
      new Promise<void>((resolve) => {
        release = resolve;
      });
    server = await RealServer.start(
      { ...createHandlers(seen), stuck },
      { limits: { callsPerConnection: 1 } },
    );
    peer = await server.connect(codec);
    peer.send([2, 1, 'test.stuck', [], []], [7, 1], [2, 2, 'test.value', [1], []]);
    expect(await errorOf(peer, 2)).toMatchObject({ code: 'resource-exhausted' });
    release();
    await until(() => server.engine.callCount === 1);
    peer.send([2, 3, 'test.value', [1], []]);
    expect((await peer.output(3)).items).toEqual([1]);
  });

  it('refuses a call with too many inputs as exhausted; its siblings live', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]]);
    peer.send([2, 3, 'test.first', [null, null, null], [0, 1, 2]]);
    expect(await errorOf(peer, 3)).toMatchObject({ code: 'resource-exhausted' });
    peer.send([5, 2]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
  });
});

describe.each(CODECS)('Section 4, items and credit in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start({ windowItems: 8, windowBytes: 1000 });
    peer = await server.connect(codec, [0, [4, 1000], null]);
  });

  it('closes with 4400 on a run for a list of streams, which only servers send', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [2, 3, 'test.echo', [null], [0]]);
    peer.send(peer.item([2, 4], 'both'));
    expect((await peer.closed).code).toBe(4400);
    await server.servesOthers();
  });

  it('sends no more items than the client allows, and goes on when it allows more', async () => {
    peer.send([2, 1, 'test.count', [100], []]);
    expect((await peer.settled()).flatMap((frame) => frame.slice(3))).toEqual([0, 1, 2, 3]);
    peer.send([8, 1, 2, 0]);
    expect((await peer.settled()).flatMap((frame) => frame.slice(3))).toEqual([4, 5]);
    peer.send([8, 1, 0, 1000]);
    expect(await peer.settled()).toEqual([]);
  });

  it('sends one item more than the bytes that the client allows, whatever its size', async () => {
    peer = await server.connect(codec, [0, [100, 1], null]);
    peer.send([2, 1, 'test.echo', [null], [0]], peer.item(2, 'x'.repeat(500), 'y', 'z'));
    await peer.until(([type]) => type === 4);
    expect(await items(peer)).toEqual([]);
    peer.send([8, 1, 0, 400]);
    expect(await items(peer)).toEqual([]);
    peer.send([8, 1, 0, 110]);
    expect(await items(peer)).not.toEqual([]);
  });

  it('takes credit that adds up beyond 2^53', async () => {
    const most = 2 ** 53 - 1;
    peer.send([2, 1, 'test.count', [20], []]);
    for (let i = 0; i < 20; i++) peer.send([8, 1, most, most]);
    expect((await peer.output(1)).items).toHaveLength(20);
  });

  it('gives credit back for what its handler took, in batches', async () => {
    peer.send([2, 1, 'test.sum', [null], [0]], peer.item(2, 1, 2, 3));
    expect(await peer.settled()).toEqual([]);
    peer.send(peer.item(2, 4));
    const four = [1, 2, 3, 4].reduce((sum, n) => sum + (peer.item(2, n)[2] as number), 0);
    expect(await peer.next()).toEqual([8, 2, 4, four]);
    peer.send([5, 2]);
    expect((await peer.output(1)).items).toEqual([10]);
  });

  it('takes all that it granted', async () => {
    peer.send([2, 1, 'test.silent', [null], [0]], peer.item(2, 1, 2, 3, 4, 5, 6, 7, 8));
    expect(await peer.settled()).toEqual([[3, 1, 'stream']]);
    peer.send([2, 3, 'test.silent', [null], [0]]);
    peer.send(peer.item(4, 'x'.repeat(900)), peer.item(4, 'x'.repeat(5000)));
    expect(await peer.settled()).toEqual([[3, 3, 'stream']]);
  });

  it.each<[string, unknown[][]]>([
    ['items in one run', [[1, 2, 3, 4, 5, 6, 7, 8, 9]]],
    ['items in several', [[1, 2, 3, 4, 5], [6, 7, 8], [9]]],
    ['bytes', [['x'.repeat(2000)], ['y']]],
  ])('closes on more %s than were granted with 4413', async (_, runs) => {
    peer.send([2, 1, 'test.silent', [null], [0]], ...runs.map((run) => peer.item(2, ...run)));
    expect((await peer.closed).code).toBe(4413);
    await until(() => seen.length === 1);
  });

  it.each([
    ['nothing', 0],
    ['too little', 40],
    ['too much', 1_000_000],
  ])('closes on a run that tells %s of its size with 4400', async (_, size) => {
    const item = Array.from({ length: 300 }, () => ({ lie: 'about the size' }));
    const frames: Frame[] = [
      [2, 1, 'test.silent', [null], [0]],
      [4, 2, size, item],
    ];
    expect(await closeCode(codec, ...frames)).toBe(4400);
  });

  it('ignores items, ends, errors and cancels of calls and inputs that are over', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [5, 2]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
    const late: Frame[] = [
      peer.item(2, 'late'),
      [5, 2],
      [6, 2, { code: 'internal', message: 'late' }],
      [7, 1],
      [7, 1],
      [8, 1, 1, 1],
    ];
    peer.send(...late, ...late);
    expect(await peer.settled()).toEqual([]);
  });

  it.each<[string, Frame]>([
    ['items', [4, 3, 1, 1]],
    ['items for a list', [4, [2, 3], 1, 1]],
    ['an end', [5, 3]],
    ['an error', [6, 3, { code: 'internal', message: '' }]],
    ['a cancel', [7, 3]],
    ['credit', [8, 3, 1, 1]],
  ])('closes on %s for a number that no call has taken with 4400', async (_, frame) => {
    expect(await closeCode(codec, [2, 1, 'test.echo', [null], [0]], frame)).toBe(4400);
  });
});

/** The items that came, up to the answer to a ping. */
async function items(peer: RawPeer): Promise<unknown[]> {
  const frames = await peer.settled();
  return frames.filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
}

describe.each(CODECS)('Section 4, what a value may not be, in %s', (codec) => {
  const evil = [
    '{"__proto__": {"polluted": true}}',
    '{"a": [{"b": {"__proto__": {"polluted": true}}}]}',
    '{"constructor": {"prototype": {"polluted": true}}}',
    '[[[{"prototype": 1}]]]',
  ];
  let peer: RawPeer;

  beforeEach(async () => {
    await start();
    peer = await server.connect(codec);
    peer.send([2, 1, 'test.echo', [null], [0]]);
    await peer.next();
  });

  afterEach(async () => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    peer.send(peer.item(2, 'the sibling lives'));
    const frames = await peer.until(([type, stream]) => type === 4 && stream === 1);
    expect(frames.at(-1)?.[3]).toBe('the sibling lives');
  });

  it.each(evil)('refuses a call with the argument %s, and no other', async (text) => {
    peer.send([2, 3, 'test.value', ['fine', JSON.parse(text)], []]);
    const { code, message } = await errorOf(peer, 3);
    expect(code).toBe('invalid-argument');
    expect(message).toMatch(/__proto__|constructor|prototype/);
    expect(seen).toEqual([]);
  });

  it.each(evil)('fails the input with the item %s in its handler, and no other', async (text) => {
    peer.send([2, 3, 'test.careful', [null], [0]], peer.item(4, 'good'));
    peer.send(peer.item(4, 'bad', JSON.parse(text)));
    const frames = await peer.until((frame) => Array.isArray(frame.at(-1)) && frame[1] === 3);
    const given = frames.filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
    expect(given).toEqual(['good', ['invalid-argument', expect.stringContaining('not allowed')]]);
  });

  it('tells the client to stop an input whose item can not be read', async () => {
    peer.send([2, 3, 'test.careful', [null], [0]]);
    peer.send(peer.item(4, JSON.parse(evil[0] as string)), peer.item(4, 'late'));
    expect(await peer.until(([type]) => type === 7)).toContainEqual([7, 4]);
  });

  it('keeps a forbidden key out of an error', async () => {
    peer.send([2, 3, 'test.careful', [null], [0]]);
    const data = JSON.parse(evil[1] as string) as unknown;
    peer.send([6, 4, { code: 'internal', message: 'm', data }]);
    const [, , , told] = (await peer.until(([type]) => type === 4)).at(-1) ?? [];
    expect(told).toEqual(['internal', 'm']);
  });
});

describe('Section 4, types', () => {
  let peer: RawPeer;
  const point = { $: 1, v: { x: 1, y: 2 } };

  beforeEach(async () => {
    await start({ types: 4 });
    peer = await server.connect();
  });

  it('makes instances of the types that were announced', async () => {
    peer.send([9, [[1, 'Point']]], [2, 1, 'test.value', [point], []]);
    expect((await peer.output(1)).items).toEqual([{ $: expect.any(Number), v: [1, 2] }]);
    expect(seen).toEqual([[Object.assign(new Point(), { x: 1, y: 2 })]]);
    expect((seen[0] as unknown[])[0]).toBeInstanceOf(Point);
  });

  it('announces its own types before their first use, once', async () => {
    peer.send([9, [[3, 'Point']]], [2, 1, 'test.echo', [null], [0]]);
    peer.send(peer.item(2, { $: 3, v: { x: 1, y: 2 } }), peer.item(2, { $: 3, v: {} }), [5, 2]);
    const frames = await peer.until(([type]) => type === 5);
    expect(frames.filter(([type]) => type === 9)).toEqual([
      [9, [[expect.any(Number), 'Point', ['x', 'y']]]],
    ]);
    expect(frames.findIndex(([type]) => type === 9)).toBeLessThan(
      frames.findIndex(([type]) => type === 4),
    );
  });

  it('fails only what holds a value of a name it does not know', async () => {
    peer.send([9, [[1, 'Nobody']]], [2, 1, 'test.value', [[point]], []]);
    expect(await errorOf(peer, 1)).toEqual({
      code: 'invalid-argument',
      message: 'The type "Nobody" is not registered on this side.',
    });
    peer.send([2, 2, 'test.value', [1], []]);
    expect((await peer.output(2)).items).toEqual([1]);
  });

  it('takes the newest name of a number', async () => {
    peer.send([9, [[1, 'Point']]], [9, [[1, 'Nobody']]], [2, 1, 'test.value', [point], []]);
    expect(await errorOf(peer, 1)).toMatchObject({ code: 'invalid-argument' });
    peer.send([9, [[1, 'Point']]], [2, 2, 'test.value', [point], []]);
    expect((await peer.output(2)).last).toEqual([5, 2]);
  });

  it('closes on a value of a number that was not announced with 4400', async () => {
    expect(await closeCode('json', [2, 1, 'test.value', [point], []])).toBe(4400);
  });

  it.each<[string, unknown]>([
    ['too many of them', Array.from({ length: 5 }, (_, i) => [i, 'Point'])],
    ['a name that is too long', [[1, 'evil'.repeat(65)]]],
    ['a name that is no text', [[1, 1]]],
    ['a number that is none', [['evil', 'Point']]],
    ['no pairs', ['evil']],
    ['no list', { evil: 1 }],
    ['nothing', undefined],
  ])('closes on a types frame with 4400: %s', async (_, types) => {
    expect(await closeCode('json', [9, types])).toBe(4400);
  });

  it.each(['constructor', '__proto__', 'toString', 'Object', 'Function', ''])(
    'knows no type of the name "%s"',
    async (name) => {
      peer.send([9, [[1, name]]], [2, 1, 'test.value', [point], []]);
      expect(await errorOf(peer, 1)).toMatchObject({ code: 'invalid-argument' });
    },
  );
});

describe.each(CODECS)('Section 4, the other frames in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start();
    peer = await server.connect(codec);
  });

  it('answers a ping, before hello too', async () => {
    const fresh = await server.welcomed(codec);
    fresh.send([10]);
    expect(await fresh.next()).toEqual([11]);
  });

  it('shows newer credentials to what is opened behind them', async () => {
    const [connection] = [...server.engine.connections].slice(-1);
    peer.send([13, 'newer']);
    await peer.settled();
    expect(connection?.credentials).toBe('newer');
    peer.send([13, null]);
    await peer.settled();
    expect(connection?.credentials).toBeNull();
  });

  it('drains: refuses what is opened, lets calls go on, and closes with 1001', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]]);
    await peer.next();
    const closing = server.engine.close(300);
    expect(await peer.next()).toEqual([12]);
    peer.send([2, 3, 'test.value', [1], []], peer.item(2, 'still'), [5, 2]);
    expect(await errorOf(peer, 3)).toMatchObject({ code: 'unavailable' });
    expect(await peer.output(1)).toEqual({ items: ['still'], last: [5, 1] });
    server.servesOthers = async () => undefined;
    expect((await peer.closed).code).toBe(1001);
    await closing;
    expect(seen).toEqual([]);
  });

  it('answers who connects while it drains with HTTP 503', async () => {
    const closing = server.engine.close(50);
    const late = server.dial([codec === 'json' ? JSON_NAME : MSGPACK_NAME], codec);
    const status = await new Promise((resolve) => {
      late.socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
    });
    expect(status).toBe(503);
    server.servesOthers = async () => undefined;
    await closing;
  });
});

describe.each(CODECS)('Section 6, the life of a call in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start();
    peer = await server.connect(codec);
  });

  it('ends an output that was cancelled: nothing of it follows, not even an end', async () => {
    peer.send([2, 1, 'test.forever', [], []]);
    await peer.until(([type]) => type === 4);
    peer.send([7, 1]);
    await until(() => seen.length === 1);
    await peer.settled();
    expect(await peer.settled()).toEqual([]);
    expect(seen).toEqual(['forever cancelled']);
  });

  it('takes a cancel in the same message as its open', async () => {
    peer.send(
      [2, 1, 'test.silent', [null], [0]],
      [7, 1],
      [2, 3, 'test.late', [], []],
      [7, 3],
      [2, 4, 'test.forever', [], []],
      [7, 4],
    );
    await until(() => seen.length >= 2 && server.engine.callCount === 1);
    expect(seen).toContain('silent cancelled');
    expect(seen).toContain('late cancelled');
    const frames = await peer.settled();
    expect(frames.filter(([type]) => type !== 3)).toEqual([]);
  });

  it('takes two cancels as one, and a cancel that crossed with the end as none', async () => {
    peer.send([2, 1, 'test.silent', [], []], [7, 1], [7, 1], [2, 2, 'test.value', [1], []]);
    await peer.output(2);
    peer.send([7, 2], [7, 1]);
    expect(await peer.settled()).toEqual([]);
    expect(seen).toEqual([[1], 'silent cancelled']);
  });

  it('takes two ends as one, and an error behind an end as none', async () => {
    peer.send([2, 1, 'test.careful', [null], [0]], peer.item(2, 'a'), [5, 2], [5, 2]);
    peer.send([6, 2, { code: 'internal', message: 'late' }], peer.item(2, 'late'));
    await peer.until(([type]) => type === 4);
    expect(await peer.settled()).toEqual([]);
  });

  it('delivers an error of an input behind the items before it', async () => {
    peer.send([2, 1, 'test.careful', [null], [0]], peer.item(2, 'before'));
    peer.send([6, 2, { code: 'not-found', message: 'Gone.', more: 1 }]);
    const frames = await peer.until((frame) => Array.isArray(frame.at(-1)));
    const given = frames.filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
    expect(given).toEqual(['before', ['not-found', 'Gone.']]);
  });

  it('takes an unknown error code as internal', async () => {
    peer.send([2, 1, 'test.careful', [null], [0]]);
    peer.send([6, 2, { code: 'connection-lost', message: 'Lie.' }]);
    const [, , , told] = (await peer.until(([type]) => type === 4)).at(-1) ?? [];
    expect(told).toEqual(['internal', 'Lie.']);
  });

  it('cancels an input that its handler left, ignores its late items, and goes on', async () => {
    peer.send([2, 1, 'test.first', [null, null], [0, 1]], peer.item(2, 'one', 'unread'));
    expect(await peer.until(([type]) => type === 7)).toContainEqual([7, 2]);
    peer.send(peer.item(2, 'late'), [5, 2], peer.item(3, 'goes on'), [5, 3]);
    expect(await peer.output(1)).toEqual({ items: ['goes on'], last: [5, 1] });
  });

  it('sends the items before an error, and not a word of what was thrown', async () => {
    peer.send([2, 1, 'test.fail', [2], []]);
    const { items, last } = await peer.output(1);
    expect(items).toEqual([0, 1]);
    expect(last).toEqual([6, 1, { code: 'internal', message: 'Told in general.', id: 'x' }]);
  });

  it("sends an error's data", async () => {
    peer.send([2, 1, 'test.refuse', [], []]);
    const error = { code: 'permission-denied', message: 'No.', data: { who: 'you' } };
    expect(await errorOf(peer, 1)).toEqual(error);
  });

  it('fails only the call whose value can not be sent', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [2, 3, 'test.unsendable', [], []]);
    expect(await errorOf(peer, 3)).toMatchObject({ code: 'internal' });
    peer.send([5, 2]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
  });

  it('drops the late value of a cancelled promise', async () => {
    peer.send([2, 1, 'test.late', [], []], [7, 1]);
    await until(() => seen.length === 1 && server.engine.callCount === 1);
    expect(await peer.settled()).toEqual([]);
  });
});

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 2_000;
  while (!(await condition())) if (Date.now() > deadline) throw new Error('Never came.');
}
