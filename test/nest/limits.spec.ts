import { Controller } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Limits, StreamingMethod } from '../../lib/index.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { afterTest, startApp, until } from './app.js';

const KIB = 1024;
const CODECS: CodecName[] = ['json', 'msgpack'];

let pulled = 0;
const waiting: (() => void)[] = [];

function wake(): void {
  for (const go of waiting.splice(0)) go();
}

@Controller()
class LimitsController {
  @StreamingMethod()
  value(value: unknown) {
    return value;
  }

  @StreamingMethod()
  silent(_one: AsyncIterable<unknown>, _two: AsyncIterable<unknown>) {
    return new Promise<void>((resolve) => waiting.push(resolve));
  }

  @StreamingMethod()
  hold(_value: unknown) {
    return new Promise<void>((resolve) => waiting.push(resolve));
  }

  @StreamingMethod()
  async *count(n: number) {
    for (let i = 0; i < n; i++) yield 'ten bytes.';
  }

  @StreamingMethod()
  async *flood() {
    for (;;) {
      pulled += 16 * KIB;
      yield 'x'.repeat(16 * KIB);
    }
  }
}

/** A peer of an application with some limits set, which has said hello and grants it all. */
async function attack(limits: Partial<Limits>, codec: CodecName = 'json') {
  pulled = 0;
  const running = await startApp({ controllers: [LimitsController], options: { limits } });
  const url = `ws://127.0.0.1:${running.port}/streaming`;
  const connect = async () => {
    const peer = new RawPeer(new WebSocket(url, SUBPROTOCOLS[codec]), codec);
    afterTest(async () => peer.socket.terminate());
    return { peer, welcome: await peer.next() };
  };
  const { peer, welcome } = await connect();
  afterTest(async () => wake());
  peer.send([0, [2 ** 40, 2 ** 40], null]);
  return { ...running, peer, welcome, connect };
}

type Attacked = Awaited<ReturnType<typeof attack>>;

/** The code the connection is closed with. */
async function closing({ peer }: Attacked): Promise<number> {
  return (await peer.closed).code;
}

/** The code of the error a call is answered with. */
async function refusal({ peer }: Attacked, call: number): Promise<unknown> {
  const { last } = await peer.output(call);
  return (last[2] as { code?: unknown } | undefined)?.code;
}

/** How many bytes are pulled for a peer that reads nothing. */
async function pulledUnread({ peer }: Attacked): Promise<number> {
  peer.socket.pause();
  peer.send([2, 1, 'limits.flood', [], []]);
  await until(() => pulled > 16 * KIB);
  for (let before = 0; before !== pulled; ) {
    before = pulled;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  return pulled;
}

/** Arguments are held for as long as their calls run. */
async function holdTooMuch(codec: CodecName): Promise<void> {
  wake();
  const it = await attack({ unreadBytesPerConnection: 20_000 }, codec);
  const open = (id: number, bytes: number) => [2, id, 'limits.hold', ['x'.repeat(bytes)], []];
  for (const id of [1, 2, 3]) it.peer.send(open(id, 9000));
  expect(await refusal(it, 3)).toBe('resource-exhausted');
  expect(waiting).toHaveLength(2);
  it.peer.send(open(4, 100), open(5, 100));
  await until(() => waiting.length === 4);
  wake();
  await until(() => it.server.callCount === 0);
  it.peer.send(open(6, 9000), open(7, 1000), [2, 8, 'limits.value', [1], []]);
  expect((await it.peer.output(8)).last).toEqual([5, 8]);
  it.peer.send([7, 6]);
  expect(waiting).toHaveLength(2);
}

/** What a peer does that ignores each limit, over which codec matters to none, and what it meets. */
const ATTACKS: Readonly<Record<keyof Limits, (codec: CodecName) => Promise<void>>> = {
  async messageBytes(codec) {
    const it = await attack({ messageBytes: 1000 }, codec);
    expect(it.welcome[3]).toBe(1000);
    it.peer.send([2, 1, 'limits.value', ['x'.repeat(900)], []]);
    expect((await it.peer.output(1)).last).toEqual([5, 1]);
    it.peer.send([2, 2, 'limits.value', ['x'.repeat(1100)], []]);
    expect(await closing(it)).toBe(1009);
  },
  async depth(codec) {
    const it = await attack({ depth: 6 }, codec);
    it.peer.send([2, 1, 'limits.value', [[[1]]], []]);
    expect((await it.peer.output(1)).last).toEqual([5, 1]);
    it.peer.send([2, 2, 'limits.value', [[[[[[1]]]]]], []]);
    expect(await closing(it)).toBe(4400);
  },
  async types(codec) {
    const it = await attack({ types: 2 }, codec);
    const announce = (...ids: number[]) => [9, ids.map((id) => [id, 'T'])];
    it.peer.send(announce(1, 2), [2, 1, 'limits.value', [1], []]);
    expect((await it.peer.output(1)).last).toEqual([5, 1]);
    it.peer.send(announce(3));
    expect(await closing(it)).toBe(4400);
  },
  async callsPerConnection(codec) {
    const it = await attack({ callsPerConnection: 1 }, codec);
    it.peer.send([2, 1, 'limits.silent', [null, null], [0, 1]], [2, 4, 'limits.value', [1], []]);
    expect(await refusal(it, 4)).toBe('resource-exhausted');
    // It is safe to open it again, once there is room.
    wake();
    await it.peer.output(1);
    it.peer.send([2, 5, 'limits.value', [1], []]);
    expect((await it.peer.output(5)).last).toEqual([5, 5]);
  },
  async inputsPerCall(codec) {
    const it = await attack({ inputsPerCall: 1 }, codec);
    it.peer.send([2, 1, 'limits.silent', [null, null], [0, 1]]);
    expect(await refusal(it, 1)).toBe('resource-exhausted');
    it.peer.send([2, 4, 'limits.value', [1], []]);
    expect((await it.peer.output(4)).last).toEqual([5, 4]);
  },
  async windowItems(codec) {
    const it = await attack({ windowItems: 3 }, codec);
    expect(it.welcome[2]).toEqual([3, DEFAULT_LIMITS.windowBytes]);
    it.peer.send([2, 1, 'limits.silent', [null, null], [0, 1]], it.peer.item(2, 1, 2, 3));
    await it.peer.settled();
    it.peer.send(it.peer.item(2, 4));
    expect(await closing(it)).toBe(4413);
  },
  async windowBytes(codec) {
    const it = await attack({ windowBytes: 10 }, codec);
    expect(it.welcome[2]).toEqual([DEFAULT_LIMITS.windowItems, 10]);
    it.peer.send([2, 1, 'limits.silent', [null, null], [0, 1]], it.peer.item(2, 'x'.repeat(99)));
    await it.peer.settled();
    it.peer.send(it.peer.item(2, 1));
    expect(await closing(it)).toBe(4413);
  },
  async unreadBytesPerConnection(codec) {
    const it = await attack({ unreadBytesPerConnection: 1000 }, codec);
    it.peer.send([2, 1, 'limits.silent', [null, null], [0, 1]], it.peer.item(2, 'x'.repeat(600)));
    await it.peer.settled();
    it.peer.send(it.peer.item(3, 'x'.repeat(600)));
    expect(await refusal(it, 1)).toBe('resource-exhausted');
    await holdTooMuch(codec);
  },
  async unreadableFrames(codec) {
    const it = await attack({ unreadableFrames: 3 }, codec);
    const open = (id: number) => [2, id, 'limits.value', [{ constructor: 1 }], []];
    it.peer.send(open(1), open(2), open(3));
    expect(await refusal(it, 3)).toBe('invalid-argument');
    it.peer.send(...[4, 5, 6, 7].map(open));
    expect(await closing(it)).toBe(4400);
  },
  async credentialsPerMinute(codec) {
    const it = await attack({ credentialsPerMinute: 2 }, codec);
    it.peer.send([13, 'a'], [13, 'b'], [2, 1, 'limits.value', [1], []]);
    expect((await it.peer.output(1)).last).toEqual([5, 1]);
    it.peer.send([13, 'c']);
    expect(await closing(it)).toBe(4401);
  },
  async flushBytes(codec) {
    const it = await attack({ flushBytes: 200 }, codec);
    it.peer.send([2, 1, 'limits.count', [400], []]);
    expect((await it.peer.output(1)).items).toHaveLength(400);
    expect(it.peer.messages).toBeGreaterThan(20);
    expect(it.peer.largest).toBeLessThan(300);
  },
  async sendBufferBytes(codec) {
    const small = await pulledUnread(await attack({ sendBufferBytes: 16 * KIB }, codec));
    const large = { sendBufferBytes: 8192 * KIB, stalledBufferBytes: 16_384 * KIB };
    expect(await pulledUnread(await attack(large, codec))).toBeGreaterThan(small + 4096 * KIB);
  },
  async stalledBufferBytes(codec) {
    // With the default the same peer is not given up.
    for (const [stalledBufferBytes, isGivenUp] of [
      [64 * KIB, true],
      [DEFAULT_LIMITS.stalledBufferBytes, false],
    ] as const) {
      const it = await attack({ stalledBufferBytes, stalledMs: 50 }, codec);
      await pulledUnread(it);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(it.log.find('warn', 'closed: 4510')).toHaveLength(isGivenUp ? 1 : 0);
    }
  },
  async stalledMs(codec) {
    const it = await attack({ stalledBufferBytes: 64 * KIB, stalledMs: 30 }, codec);
    await pulledUnread(it);
    await until(() => it.log.find('warn', 'closed: 4510').length === 1);
  },
  async pingIntervalMs(codec) {
    const it = await attack({ pingIntervalMs: 20 }, codec);
    expect(await it.peer.next()).toEqual([10]);
  },
  async pongTimeoutMs(codec) {
    const it = await attack({ pingIntervalMs: 20, pongTimeoutMs: 20 }, codec);
    expect(await it.peer.next()).toEqual([10]);
    await until(() => it.log.find('warn', 'closed: 4504').length === 1);
    await it.peer.closed;
  },
  async helloTimeoutMs(codec) {
    const { connect } = await attack({ helloTimeoutMs: 30 }, codec);
    const { peer } = await connect();
    expect((await peer.closed).code).toBe(4408);
  },
  async stuckHandlerMs(codec) {
    const it = await attack({ stuckHandlerMs: 10, callsPerConnection: 1 }, codec);
    it.peer.send([2, 1, 'limits.silent', [null, null], [0, 1]], [7, 1]);
    await until(() => it.log.find('warn', 'limits.silent still runs 10 ms').length === 1);
    it.peer.send([2, 4, 'limits.value', [1], []]);
    expect(await refusal(it, 4)).toBe('resource-exhausted');
    wake();
    await until(() => it.server.callCount === 0);
    it.peer.send([2, 5, 'limits.value', [1], []]);
    expect((await it.peer.output(5)).last).toEqual([5, 5]);
  },
};

describe.each(CODECS)(
  'A limit of forRoot() is kept against a peer that ignores it, over %s',
  (codec) => {
    it.each(Object.keys(DEFAULT_LIMITS) as (keyof Limits)[])('%s', (name) => ATTACKS[name](codec));
  },
);

it('The module agrees to no compression, whoever offers it', async () => {
  const { port } = await startApp({ controllers: [LimitsController] });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/streaming`, SUBPROTOCOLS.json, {
    perMessageDeflate: true,
  });
  await new Promise((resolve) => socket.once('open', resolve));
  expect(socket.extensions).toBe('');
  socket.terminate();
});
