import { afterEach, describe, expect, it } from 'vitest';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { Serializable } from '../../lib/model/registry.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import {
  collect,
  createEngine,
  type Engine,
  type EngineOptions,
  type Handler,
  readToFailure,
  turn,
  turns,
  until,
} from './engine.js';

@Serializable()
class Update {
  id = 0;
  tags: string[] = [];

  static of(id: number): Update {
    return Object.assign(new Update(), { id, tags: [`tag ${id}`] });
  }
}

const CHANNEL = 'updates';

let engine: Engine<Record<string, Handler>>;
let bus: MessageBus;

/** Handlers that pass on what is published. */
function start(codec: CodecName, options: EngineOptions = {}): void {
  bus = new MessageBus({ share: (message) => engine.models.share(message) });
  const subscribe = (call: ServerCall) =>
    bus.bind({ onClose: (end) => call.onOver(end) }).subscribe<Update>(CHANNEL);
  const handlers: Record<string, Handler> = {
    async *all(call) {
      yield* subscribe(call);
    },
    async *looped(call) {
      for await (const update of subscribe(call)) yield update;
    },
    async *even(call) {
      for await (const update of subscribe(call)) if (update.id % 2 === 0) yield update;
    },
    /** Says of each message who had it, in the message itself, some turns later. */
    async *marking(call, mark: string, later: number) {
      for await (const update of subscribe(call)) {
        await turns(later);
        update.tags.push(mark);
        yield update;
      }
    },
    async *first(call, count: number) {
      let left = count;
      for await (const update of subscribe(call)) {
        if (left-- > 0) yield update;
        else return;
      }
    },
    async *failing(call) {
      for await (const update of subscribe(call)) {
        yield update;
        if (update.id === 3) throw new StreamError('unavailable', 'Broken.');
      }
    },
  };
  engine = createEngine(handlers, { codec, models: [Update], ...options });
}

/** Opened, and subscribed. */
async function open(name: string, ...args: unknown[]) {
  const { test } = engine.client as unknown as {
    test: Record<string, (...args: unknown[]) => PromiseLike<AsyncIterable<Update>>>;
  };
  return await (test[name] as (...args: unknown[]) => PromiseLike<AsyncIterable<Update>>)(...args);
}

async function publish(...ids: number[]): Promise<Update[]> {
  const updates = ids.map(Update.of);
  for (const update of updates) await bus.publish(CHANNEL, update);
  return updates;
}

async function take(output: AsyncIterable<Update>, count: number): Promise<Update[]> {
  const reader = output[Symbol.asyncIterator]();
  const taken: Update[] = [];
  while (taken.length < count) taken.push((await reader.next()).value);
  return taken;
}

afterEach(async () => {
  await engine.close();
  await bus.close();
  expect(bus.subscriberCount()).toBe(0);
});

describe.each<CodecName>(['json', 'msgpack'])(
  'A message published to many calls, in %s',
  (codec) => {
    it('reaches all of them, in order, as an instance', async () => {
      start(codec);
      const outputs = [await open('all'), await open('looped'), await open('all')];
      const published = await publish(1, 2, 3);
      await turn();
      published.push(...(await publish(4)));
      for (const output of outputs) {
        const taken = await take(output, 4);
        expect(taken).toStrictEqual(published);
        expect(taken[0]).toBeInstanceOf(Update);
      }
    });

    it('is an object of its own for every call', async () => {
      start(codec);
      const outputs = [await open('all'), await open('all')];
      await publish(1);
      const [one, other] = await Promise.all(outputs.map((output) => take(output, 1)));
      one?.[0]?.tags.push('mine');
      expect(other).toEqual([Update.of(1)]);
    });

    it('reaches each of them as it was when that one yielded it', async () => {
      start(codec);
      const outputs = [
        await open('all'),
        await open('marking', 'a', 1),
        await open('marking', 'b', 3),
      ];
      await publish(1);
      const [untouched, a, b] = await Promise.all(outputs.map((output) => take(output, 1)));
      expect(untouched?.[0]?.tags).toEqual(['tag 1']);
      expect(a?.[0]?.tags).toEqual(['tag 1', 'a']);
      expect(b?.[0]?.tags).toEqual(['tag 1', 'a', 'b']);
    });

    it('is passed on by some of them only', async () => {
      start(codec);
      const outputs = [await open('all'), await open('even'), await open('all')];
      await publish(1, 2, 3, 4, 5, 6);
      const [all, even, alsoAll] = await Promise.all(
        outputs.map((output, i) => take(output, i === 1 ? 3 : 6)),
      );
      expect(all?.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(even?.map(({ id }) => id)).toEqual([2, 4, 6]);
      expect(alsoAll).toEqual(all);
    });

    it('comes before the end or the error of a call that is over behind it', async () => {
      start(codec);
      const [all, first, failing] = [
        await open('all'),
        await open('first', 2),
        await open('failing'),
      ];
      const whole = Promise.all([take(all, 4), collect(first), readToFailure(failing)]);
      await publish(1, 2, 3, 4);
      const [everything, two, { items, error }] = await whole;
      expect(everything.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
      expect(two).toEqual(everything.slice(0, 2));
      expect(items).toEqual(everything.slice(0, 3));
      expect(error.code).toBe('unavailable');
    });

    it('reaches the others when one of them is cancelled', async () => {
      start(codec);
      const outputs = [await open('all'), await open('all')];
      const others = take(outputs[0] as AsyncIterable<Update>, 40);
      for (let id = 0; id < 40; id++) {
        await publish(id);
        if (id === 20) await outputs[1]?.[Symbol.asyncIterator]().return?.();
        if (id % 3 === 0) await turn();
      }
      expect((await others).map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, id) => id));
      await until(() => bus.subscriberCount(CHANNEL) === 1);
    });

    it('is charged to each of them: one that is not read stops alone, and misses nothing', async () => {
      start(codec, { clientLimits: { windowItems: 4, windowBytes: 200 } });
      const [read, unread] = [await open('all'), await open('all')];
      const reading = take(read, 100);
      for (let id = 0; id < 100; id++) {
        await publish(id);
        await turns(2);
      }
      expect((await reading).at(-1)?.id).toBe(99);
      expect((await take(unread, 100)).map(({ id }) => id)).toEqual(
        Array.from({ length: 100 }, (_, id) => id),
      );
      expect(engine.client.status).toBe('connected');
    });
  },
);
