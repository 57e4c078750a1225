import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { Serializable } from '../../lib/model/registry.js';
import { createEncoder } from '../../lib/protocol/create-codec.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import type { RawPeer } from './raw-peer.js';
import { RealServer } from './real-server.js';

@Serializable()
class Reading {
  degrees = 0;
  unit = 'C';

  static of(degrees: number): Reading {
    return Object.assign(new Reading(), { degrees });
  }
}

const CALLS = [1, 2, 3];

let server: RealServer;
let bus: MessageBus;

beforeEach(async () => {
  bus = new MessageBus({ share: (message) => server.models.share(message) });
  const readings = async function* (call: ServerCall) {
    yield* bus.bind({ onClose: (end) => call.onOver(end) }).subscribe('readings');
  };
  server = await RealServer.start(
    { readings, echo: (_, input: unknown) => input },
    { models: [Reading] },
  );
});

afterEach(async () => {
  await server.stop();
  await bus.close();
});

/** A connection with calls that all pass on the same channel. */
async function subscribed(codec: CodecName, credit = [4096, 262_144]): Promise<RawPeer> {
  const peer = await server.connect(codec, [0, credit, null]);
  for (const call of CALLS) peer.send([2, call, 'test.readings', [], []]);
  for (const call of CALLS) expect(await peer.next()).toEqual([3, call, 'stream']);
  return peer;
}

/** A run as the server's codec makes it. */
function run(codec: CodecName, target: number | number[], ...items: unknown[]) {
  const encoder = createEncoder(codec, server.models, DEFAULT_LIMITS);
  const size = items.reduce<number>((sum, item) => sum + encoder.item(1, item), 0);
  return [4, target, size, ...items] as const;
}

describe.each<CodecName>(['json', 'msgpack'])(
  'Section 4, a run for many streams in %s',
  (codec) => {
    it('crosses once, with the numbers of all', async () => {
      const peer = await subscribed(codec);
      await bus.publish('readings', { degrees: 21 });
      expect(await peer.next()).toEqual(run(codec, CALLS, { degrees: 21 }));
      expect(await peer.settled()).toEqual([]);
    });

    it('holds all that one turn published', async () => {
      const peer = await subscribed(codec);
      for (const degrees of [1, 2, 3]) void bus.publish('readings', { degrees });
      const readings = [1, 2, 3].map((degrees) => ({ degrees }));
      expect(await peer.next()).toEqual(run(codec, CALLS, ...readings));
    });

    it('has its types before it, on every connection', async () => {
      const [one, other] = [await subscribed(codec), await subscribed(codec)];
      for (const degrees of [1, 2]) await bus.publish('readings', Reading.of(degrees));
      for (const peer of [one, other]) {
        const [types, run] = await peer.until(([type]) => type === 4);
        expect(types?.slice(0, 2)).toEqual([9, [[1, 'Reading', ['degrees', 'unit']]]]);
        expect(run?.slice(0, 2)).toEqual([4, CALLS]);
      }
    });

    it('is for those alone that have credit', async () => {
      const peer = await subscribed(codec, [2, 1000]);
      peer.send([8, 2, 1, 0]);
      await peer.settled();
      for (const degrees of [1, 2, 3]) await bus.publish('readings', { degrees });
      const [first, second, third] = [1, 2, 3].map((degrees) => ({ degrees }));
      expect(await peer.settled()).toEqual([
        run(codec, CALLS, first, second),
        run(codec, 2, third),
      ]);
      peer.send([8, 1, 1, 0], [8, 3, 1, 0]);
      expect(await peer.settled()).toEqual([run(codec, [1, 3], third)]);
    });

    it('is charged to each of its streams', async () => {
      const peer = await subscribed(codec, [100, 1]);
      const size = run(codec, 1, { degrees: 1 })[2];
      for (const degrees of [1, 2, 3]) await bus.publish('readings', { degrees });
      expect(await peer.settled()).toEqual([run(codec, CALLS, { degrees: 1 })]);
      peer.send([8, 2, 0, size - 1], [8, 3, 0, size]);
      expect(await peer.settled()).toEqual([run(codec, 3, { degrees: 2 })]);
    });
  },
);
