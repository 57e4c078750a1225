import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Limits } from '../../lib/protocol/limits.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import { turn, until } from '../engine/engine.js';
import { createHandlers, type Seen } from './handlers.js';
import { Ext, pack } from './msgpack.js';
import type { Frame, RawPeer } from './raw-peer.js';
import { RealServer } from './real-server.js';

const CODECS: CodecName[] = ['json', 'msgpack'];
const ENDLESS = [0, [2 ** 40, 2 ** 50], null];
const KIB = 1024;

let server: RealServer;
let seen: Seen;
let pulled = 0;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

/** Items of 16 KiB, as good as endless; tells how many were pulled, and how the call ended. */
async function* flood(call: ServerCall): AsyncGenerator<string> {
  try {
    while (pulled++ < 50_000) {
      yield 'x'.repeat(16 * KIB);
    }
  } finally {
    seen.push(`flood ${call.end}`);
  }
}

const large = (_call: ServerCall, id: number) => {
  pulled++;
  return `${id} ${'x'.repeat(100 * KIB)}`;
};

async function start(limits: Partial<Limits> = {}): Promise<void> {
  seen = [];
  pulled = 0;
  server = await RealServer.start({ ...createHandlers(seen), flood, large }, { limits });
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

describe('A peer that does not read its socket', () => {
  it('is given up with 4510, and its sources are not pulled meanwhile', async () => {
    await start({ stalledBufferBytes: 100 * KIB, stalledMs: 150 });
    const peer = await server.connect('json', ENDLESS);
    peer.socket.pause();
    peer.send([2, 1, 'test.flood', [], []]);
    await until(() => pulled > 16);
    const atMost = await whenStill();
    await server.servesOthers();
    await until(() => server.closings.length === 1 && seen.length === 1);
    expect(server.closings).toEqual([4510]);
    expect(seen).toEqual(['flood connection-lost']);
    expect(pulled).toBe(atMost);
  });

  it('is served on when it reads again in time', async () => {
    await start({ stalledBufferBytes: 100 * KIB, stalledMs: 5_000 });
    const peer = await server.connect('json', ENDLESS);
    peer.socket.pause();
    peer.send([2, 1, 'test.flood', [], []]);
    await until(() => pulled > 16);
    const before = await whenStill();
    peer.socket.resume();
    await until(() => pulled > before + 100);
    expect(server.closings).toEqual([]);
  });

  it('can not make answers pile up: values of promises wait for room', async () => {
    await start({ callsPerConnection: 8 });
    const peer = await server.connect('json', ENDLESS);
    peer.socket.pause();
    for (let id = 1; id <= 600; id++) {
      peer.send([2, id, 'test.large', [id], []]);
      if (id % 20 === 0) await turn();
    }
    await whenStill();
    expect(pulled).toBeLessThan(300);
    await server.servesOthers();
    peer.socket.resume();
    const over = await collectEnds(peer, 600);
    expect(over.filter(([type]) => type === 5)).toHaveLength(pulled);
    await until(() => server.engine.callCount === 1);
  });

  it('is given up at once when it goes on to ask for answers that nobody can hold back', async () => {
    await start({ stalledBufferBytes: 256 * KIB, stalledMs: 60_000 });
    const peer = await server.connect();
    peer.socket.pause();
    let id = 1;
    while (server.closings.length === 0 && id < 2_000_000) {
      peer.send(...Array.from({ length: 2_000 }, () => [2, id++, 'no.such', [], []]));
      await turn();
    }
    expect(server.closings).toEqual([4510]);
  });

  it('does not let a source run away once it has begun to close', async () => {
    await start();
    const peer = await server.connect('json', ENDLESS);
    peer.socket.pause();
    peer.send([2, 1, 'test.flood', [], []]);
    await until(() => pulled > 16);
    const atMost = (await whenStill()) + 100;
    peer.socket.close(1000);
    await whenStill();
    peer.socket.resume();
    await until(() => seen.length === 1);
    expect(pulled).toBeLessThan(atMost);
  });

  it('gets no more answers to the pings of its WebSocket than fit', async () => {
    await start({ sendBufferBytes: 32 * KIB });
    const peer = await server.connect();
    let pongs = 0;
    peer.socket.on('pong', () => pongs++);
    peer.socket.pause();
    const payload = Buffer.alloc(125);
    for (let i = 0; i < 120_000; i++) {
      peer.socket.ping(payload);
      if (i % 5_000 === 0) await turn();
    }
    await server.servesOthers();
    peer.socket.resume();
    await peer.settled();
    expect(pongs).toBeGreaterThan(10);
    expect(pongs).toBeLessThan(120_000);
  });
});

describe.each(CODECS)('A peer that disappears, in %s', (codec) => {
  it('leaves no call, whatever it was in the middle of', async () => {
    await start({ windowItems: 16 });
    const peers = await Promise.all(Array.from({ length: 24 }, () => server.connect(codec)));
    for (const [i, peer] of peers.entries()) {
      peer.send([2, 1, 'test.forever', [], []], [2, 2, 'test.echo', [null], [0]]);
      peer.send([2, 4, 'test.sum', [null], [0]], peer.item(5, 1, 2), [2, 6, 'test.late', [], []]);
      peer.send([2, 7, 'test.first', [null, null], [0, 1]], peer.item(8, 'x', 'y'), [7, 1]);
      peer.send([2, 10, 'test.silent', [null], [0]], peer.item(11, 1), [
        2,
        12,
        'test.flood',
        [],
        [],
      ]);
      for (let turns = 0; turns < i % 6; turns++) await turn();
      peer.socket.terminate();
    }
    await until(() => server.engine.connections.size === 1 && server.engine.callCount === 1);
    expect(seen.filter((what) => what === 'late cancelled')).toEqual([]);
  });
});

describe('A peer that breaks off', () => {
  beforeEach(() => start());

  it.each([
    ['in the middle of its request', 'GET /streaming HTTP/1.1\r\nHost: x\r\nUpg'],
    ['right behind its request', request()],
    ['in the middle of a frame', `${request()}\x81\xfe\x40\x00half`],
    ['behind garbage where a frame should be', `${request()}garbage, not a frame`],
  ])('%s leaves nothing', async (_, text) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => {
      socket.write(Buffer.from(text, 'latin1'), resolve);
    });
    await turn();
    socket.destroy();
    await until(() => server.engine.connections.size === 1);
  });
});

describe('A peer that lies about sizes in JSON', () => {
  let peer: RawPeer;
  const bulk = JSON.stringify('x'.repeat(100_000));

  beforeEach(async () => {
    await start();
    peer = await server.connect();
    peer.send([2, 1, 'test.silent', [null, null], [0, 1]]);
    await peer.next();
  });

  it.each([
    ['behind a run that tells too much', `[[4,2,99990,1],[4,3,0,${bulk}]]`],
    ['behind a run of a stream that is over', `[[5,2],[4,2,99990,1],[4,3,0,${bulk}]]`],
    ['with a tag that stands for a number', `[[4,3,{"$":"f","v":"-0"},${bulk}]]`],
    ['with a text', `[[4,3,"100002",${bulk}]]`],
    ['with less than nothing', `[[4,3,-100002,${bulk}]]`],
    ['with numbers that cancel out', `[[4,2,1e999,1],[4,2,-1e999,1],[4,3,0,${bulk}]]`],
    ['with many small runs', `[${Array(900).fill(`[4,3,0,"${'x'.repeat(1000)}"]`)}]`],
  ])('is closed with 4400: %s', async (_, text) => {
    peer.raw(text);
    expect((await peer.closed).code).toBe(4400);
  });

  it('may escape and indent as it likes', async () => {
    const item = `"${'\\u0041'.repeat(1000)}"`;
    peer.raw(`[\n  [4, 3, ${item.length}, ${item}],\n${' '.repeat(5000)}  [10]\n]`);
    expect(await peer.next()).toEqual([11]);
  });
});

describe('A peer that makes work', () => {
  beforeEach(() => start({ callsPerConnection: 16 }));

  it.each<[string, (i: number) => string]>([
    ['pings', () => '[10]'],
    ['frames of calls that are over', () => '[7,1],[5,1],[4,1,1,1]'],
    ['types', (i) => `[9,[[${i % 1000},"Point"]]]`],
    ['opens that are refused', (i) => `[2,${i + 2},"test.x",[],[]]`],
    ['opens that are cancelled at once', (i) => `[2,${i + 2},"test.silent",[],[]],[7,${i + 2}]`],
    ['credit', () => '[8,1,9007199254740991,9007199254740991]'],
  ])('can fill a message with %s, and is answered', async (_, frame) => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.value', [1], []]);
    await peer.output(1);
    const frames = Array.from({ length: 10_000 }, (_, i) => frame(i));
    peer.raw(`[${frames}]`);
    peer.send([2, 1_000_000, 'test.nothing', [], []]);
    expect((await peer.output(1_000_000)).last[0]).toBeGreaterThan(4);
  });

  it.each(['[', '{"a":', '[[[{"a":"]]]",'])(
    'nests "%s" without end, and is closed',
    async (open) => {
      const peer = await server.connect();
      peer.raw(open.repeat(50_000));
      expect((await peer.closed).code).toBe(4400);
    },
  );

  it('nests lists in MessagePack without end, and is closed', async () => {
    const peer = await server.connect('msgpack');
    peer.raw(Buffer.alloc(500_000, 0x91));
    expect((await peer.closed).code).toBe(4400);
  });

  it.each(CODECS)('nests up to the limit of 64 in %s, and no deeper', async (codec) => {
    const nest = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;
    const peer = await server.connect(codec);
    // The message and its frame are levels of JSON, the frame one of MessagePack; then the arguments.
    const most = codec === 'json' ? 61 : 62;
    peer.send([2, 1, 'test.nothing', [nest(most)], []]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
    peer.send([2, 2, 'test.nothing', [nest(most + 1)], []]);
    expect((await peer.closed).code).toBe(4400);
  });
});

describe('A peer that fills memory', () => {
  it('loses the call for which more is sent than may wait on the connection, and no other', async () => {
    await start({ unreadBytesPerConnection: 256 * KIB });
    const peer = await server.connect();
    const text = 'x'.repeat(16 * KIB);
    const items = peer.item(0, text, text, text, text).slice(2);
    const calls = [1, 3, 5, 7, 9, 11];
    peer.send(...calls.map((id) => [2, id, 'test.silent', [null], [0]]));
    for (const id of calls) peer.send([4, id + 1, ...items]);
    const frames = await peer.settled();
    const errors = frames.filter(([type]) => type === 6);
    expect(errors.length).toBeGreaterThanOrEqual(1);
    expect(errors.length).toBeLessThan(calls.length);
    for (const [, , error] of errors) expect(error).toMatchObject({ code: 'resource-exhausted' });
  });

  it('counts small items for the memory they take', async () => {
    await start({ unreadBytesPerConnection: 256 * KIB });
    const peer = await server.connect();
    const items = peer.item(0, ...Array.from({ length: 4096 }, () => 1)).slice(2);
    peer.send([2, 1, 'test.silent', [null, null], [0, 1]]);
    for (const stream of [2, 3]) peer.send([4, stream, ...items]);
    for (const id of [4, 6, 8, 10]) {
      peer.send([2, id, 'test.silent', [null], [0]], [4, id + 1, ...items]);
    }
    const frames = await peer.settled();
    expect(frames.some(([type]) => type === 6)).toBe(true);
  });

  it.each(CODECS)('hides no item behind others that can not be read, in %s', async (codec) => {
    await start({ unreadBytesPerConnection: 256 * KIB });
    const peer = await server.connect(codec);
    const bad = codec === 'json' ? { $: 'x', v: 1 } : new Ext(99, Buffer.from('?'));
    const items = ['x'.repeat(100 * KIB), ...Array.from({ length: 1_000 }, () => bad)];
    for (const id of [1, 3, 5, 7, 9, 11]) {
      peer.send([2, id, 'test.silent', [null], [0]]);
      peer.send(peer.item(id + 1, ...items));
    }
    const errors = (await peer.settled()).filter(([type]) => type === 6);
    expect(errors.map(([, , error]) => error)).toContainEqual({
      code: 'resource-exhausted',
      message: 'Too much waits unread on this connection.',
    });
  });

  it('can not make up for what can not be read with good items before it', async () => {
    await start({ unreadableFrames: 100 });
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [null], [0]], [7, 1]);
    const run = peer.item(2, 1, { $: 'x', v: 1 });
    peer.send(...Array.from({ length: 101 }, () => run));
    expect((await peer.closed).code).toBe(4400);
  });

  it('is closed when most of what it sends can not be read', async () => {
    await start({ unreadableFrames: 100 });
    const peer = await server.connect();
    const open = (id: number) => [2, id, 'test.value', [{ $: 'x', v: 1 }], []];
    peer.send(...Array.from({ length: 100 }, (_, i) => open(i + 1)));
    await peer.settled();
    peer.send(...Array.from({ length: 100 }, (_, i) => open(i + 1000)));
    expect((await peer.closed).code).toBe(4400);
  });
});

describe('A value that can not be made', () => {
  beforeEach(() => start());

  const tagged: [string, unknown][] = [
    ['an unknown tag', { $: 'x', v: 1 }],
    ['a tag that is no text and no number', { $: null, v: 1 }],
    ['a big integer that is too long', { $: 'n', v: '1'.repeat(20_001) }],
    ['a big integer that is none', { $: 'n', v: '0x10' }],
    ['bytes that are not base64', { $: 'b', v: '%%%' }],
    ['a date that is a text', { $: 'd', v: 'now' }],
    ['a map with a key too many', { $: 'm', v: [1] }],
    ['a set that is no list', { $: 's', v: {} }],
    ['a number that is another', { $: 'f', v: '1' }],
    ['an object that is none', { $: 'o', v: [] }],
    ['a set whose elements could be made to collide', { $: 's', v: numbers(16_385) }],
    ['a map whose keys could be made to collide', { $: 'm', v: numbers(2 * 16_385) }],
  ];
  const exts: [string, unknown][] = [
    ['an unknown ext', new Ext(99, Buffer.from('?'))],
    ['a set whose elements could be made to collide', new Ext(4, pack(numbers(16_385)))],
    ['one of the types MessagePack keeps', new Ext(255, Buffer.alloc(4))],
  ];

  it.each<[CodecName, string, unknown]>([
    ...tagged.map(([what, value]): [CodecName, string, unknown] => ['json', what, value]),
    ...exts.map(([what, value]): [CodecName, string, unknown] => ['msgpack', what, value]),
  ])('in %s fails only its call: %s', async (codec, _, value) => {
    const peer = await server.connect(codec);
    const open = (id: number, arg: unknown): Frame => [2, id, 'test.value', [arg], []];
    peer.send(open(1, [value]), open(2, 'fine'));
    const frames = await peer.until(([type]) => type === 5);
    expect(frames[0]?.slice(0, 2)).toEqual([6, 1]);
    expect(frames[0]?.[2]).toMatchObject({ code: 'invalid-argument' });
    expect(seen).toEqual([['fine']]);
  });
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function request(): string {
  const lines = [
    'GET /streaming HTTP/1.1',
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: nestjs-streaming.v1.json',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** How many items were pulled when no more are. */
async function whenStill(): Promise<number> {
  for (;;) {
    const before = pulled;
    for (let i = 0; i < 30; i++) await turn();
    if (pulled === before) return before;
  }
}

/** The last frames of so many calls. */
async function collectEnds(peer: RawPeer, count: number): Promise<Frame[]> {
  const ends: Frame[] = [];
  while (ends.length < count) {
    const frame = await peer.next();
    if (frame[0] === 5 || frame[0] === 6) ends.push(frame);
  }
  return ends;
}
