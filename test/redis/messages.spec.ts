import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MessageBus } from '../../lib/bus/message-bus.js';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { Serializable } from '../../lib/index.js';
import { connectDriver, type TestDriverOptions, VERSIONS } from './driver.js';
import { Recorder, record } from './recorder.js';
import { RedisServerProcess } from './redis-server.js';

@Serializable('redis-test.Point')
class Point {
  x = 0;
  y = 0;
}

@Serializable('redis-test.Line')
class Line {
  from = new Point();
  to = new Point();
  drawnAt = new Date(0);
}

class Unregistered {}

let server: RedisServerProcess;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

for (const [version, toConfig] of VERSIONS) {
  describe(`Messages through Redis with ${version}`, () => {
    async function connect(options: TestDriverOptions = {}): Promise<RedisDriver> {
      const driver = await connectDriver(toConfig(server.url), options);
      cleanups.push(() => driver.close());
      return driver;
    }

    async function createBus(): Promise<MessageBus> {
      const bus = new MessageBus({ driver: await connect() });
      cleanups.push(() => bus.close());
      return bus;
    }

    async function settled(driver: RedisDriver, recorder: Recorder): Promise<void> {
      await driver.publish('a', 'last', 'global');
      await vi.waitFor(() => expect(recorder.entries.at(-1)).toBe('last'));
    }

    it('arrive once in every process, this one included, equal and as instances', async () => {
      const [here, there] = [await createBus(), await createBus()];
      const seen: unknown[][] = [[], []];
      for (const [i, bus] of [here, there].entries()) {
        bus.addListener('lines', (message) => seen[i]?.push(message));
        await bus.subscribe('lines').ready;
      }
      const line = Object.assign(new Line(), { to: Object.assign(new Point(), { x: 3 }) });
      await here.publish('lines', line);
      await there.publish('lines', 'the end');
      await vi.waitFor(() => expect(seen.map((it) => it.length)).toEqual([2, 2]));
      for (const [first, last] of seen) {
        expect(first).toEqual(line);
        expect(first).toBeInstanceOf(Line);
        expect((first as Line).to).toBeInstanceOf(Point);
        expect((first as Line).drawnAt).toBeInstanceOf(Date);
        expect(last).toBe('the end');
      }
    });

    const values: readonly [string, unknown][] = [
      ['nothing', undefined],
      ['null', null],
      ['a number that is no integer', -0.5],
      ['a bigint', 2n ** 100n],
      ['a text', 'ä€😀\u0000'],
      ['a date', new Date(1)],
      ['bytes', new Uint8Array([0, 255])],
      ['a map', new Map<unknown, unknown>([[1, new Date(2)]])],
      ['a set', new Set(['a', 2n])],
      ['a plain object', { a: [{ b: null }], c: undefined }],
    ];

    it.each(values)('carry %s', async (_, value) => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      await driver.publish('a', value, 'global');
      await vi.waitFor(() => expect(recorder.entries).toStrictEqual([value]));
    });

    it('are as they were when they were published', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      const point = Object.assign(new Point(), { x: 1 });
      const published = driver.publish('a', point, 'global');
      point.x = 2;
      await published;
      await vi.waitFor(() => expect(recorder.entries).toEqual([{ x: 1, y: 0 }]));
    });

    it('that one turn publishes cross in one message of Redis for each channel', async () => {
      const driver = await connect();
      const [a, b] = [await record(driver, 'a'), await record(driver, 'b')];
      const before = await countPublishes();
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => driver.publish(n % 2 ? 'b' : 'a', n, 'global')),
      );
      expect((await countPublishes()) - before).toBeLessThan(5);
      const isEven = (n: unknown) => Number(n) % 2 === 0;
      await vi.waitFor(() => expect(a.recorder.entries).toHaveLength(50));
      await vi.waitFor(() => expect(b.recorder.entries).toHaveLength(50));
      expect(a.recorder.entries.every(isEven)).toBe(true);
      expect(b.recorder.entries.some(isEven)).toBe(false);
    });

    async function countPublishes(): Promise<number> {
      const info = await server.command('INFO', 'commandstats');
      return Number(/cmdstat_publish:calls=(\d+)/.exec(info)?.[1] ?? 0);
    }

    it('that can not be sent are refused, each by itself', async () => {
      const driver = await connect({ maxMessageBytes: 1_000 });
      const { recorder } = await record(driver, 'a');
      const cycle: unknown[] = [];
      cycle.push(cycle);
      const publish = (message: unknown) => driver.publish('a', message, 'global');
      const results = await Promise.allSettled([
        publish(1),
        publish(() => {}),
        publish(cycle),
        publish(new Unregistered()),
        publish('x'.repeat(1_001)),
        publish(2),
      ]);
      const reasons = results.map((it) => String((it as PromiseRejectedResult).reason));
      expect(reasons).toEqual([
        'undefined',
        expect.stringMatching(/^TypeError: A function/),
        expect.stringMatching(/^TypeError: A value nests too deep/),
        expect.stringMatching(/^TypeError: Unregistered is not registered/),
        expect.stringMatching(/^TypeError: A value takes more than 1000 bytes/),
        'undefined',
      ]);
      await vi.waitFor(() => expect(recorder.entries).toEqual([1, 2]));
    });

    it('that nobody can read are counted and left out, and the next good one is delivered', async () => {
      const problems: string[] = [];
      const driver = await connect({ hooks: { badMessage: (_, it) => void problems.push(it) } });
      const { recorder } = await record(driver, 'a');
      const channel = 'nestjs-streaming:bus:a';
      for (const garbage of ['', 'garbage', '{"a":1}', 'x'.repeat(100_000)])
        await server.command('PUBLISH', channel, garbage);
      await settled(driver, recorder);
      expect(recorder.entries).toEqual(['last']);
      expect(problems).toHaveLength(4);
    });

    it('keep one subscription at Redis for each channel, let go after the last has left', async () => {
      const driver = await connect({ lingerMs: 50 });
      const bus = new MessageBus({ driver });
      cleanups.push(() => bus.close());
      const subscriptions = [bus.subscribe('one'), bus.subscribe('one'), bus.subscribe('one')];
      await Promise.all(subscriptions.map(({ ready }) => ready));
      const count = () => server.command('PUBSUB', 'NUMSUB', 'nestjs-streaming:bus:one');
      expect(await count()).toMatch(/:1$/);
      for (const subscription of subscriptions) subscription.cancel();
      expect(await count()).toMatch(/:1$/);
      await vi.waitFor(async () => expect(await count()).toMatch(/:0$/));
    });

    it('lose nothing that is published after `ready` by leaving and coming back', async () => {
      const [driver, other] = [await connect({ lingerMs: 5 }), await connect()];
      for (let round = 0; round < 40; round++) {
        const { recorder, subscription } = await record(driver, 'a');
        await other.publish('a', round, 'global');
        await vi.waitFor(() => expect(recorder.messages).toContain(round), { interval: 1 });
        expect(recorder.reasons).toEqual([]);
        subscription.cancel();
        if (round % 2) await new Promise((resolve) => setTimeout(resolve, round % 10));
      }
    });

    it('refused by Redis fail the subscription with its reason', async () => {
      await server.command('ACL', 'SETUSER', 'few', 'on', '>pw', '+@all', '~*', 'resetchannels');
      await server.command('ACL', 'SETUSER', 'few', '&nestjs-streaming:probe:*', '&*:bus:may*');
      const url = server.url.replace('redis://', 'redis://few:pw@');
      const driver = await connectDriver(toConfig(url));
      cleanups.push(() => driver.close());
      const names = ['may-1', 'not', 'may-2'];
      const all = names.map((name) => driver.subscribe(name, new Recorder()));
      const results = await Promise.allSettled(all.map(({ ready }) => ready));
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(String((results[1] as PromiseRejectedResult).reason)).toMatch(
        /BusUnavailableError: Redis refuses the channel "not": NOPERM/,
      );
      await expect(driver.publish('not', 1, 'global')).rejects.toThrow(
        /^Redis refuses the message: NOPERM/,
      );
    });
  });
}
