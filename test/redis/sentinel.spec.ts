import { Redis as Redis5 } from 'ioredis5';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import type { RedisConfig } from '../../lib/bus/redis/redis-options.js';
import { connectDriver } from './driver.js';
import { record } from './recorder.js';
import { RedisSentinel } from './redis-sentinel.js';

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 1_000, reconnectDelayMs: 200 } as const;

let sentinel: RedisSentinel;
const drivers: RedisDriver[] = [];

beforeEach(async () => {
  sentinel = await RedisSentinel.start();
});

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  await sentinel.stop();
});

/** To be demoted takes a sentinel ten seconds, so one version has to do. */
const VERSIONS: readonly [string, string[], (place: { port: number }) => RedisConfig][] = [
  [
    'ioredis 6',
    ['killed', 'demoted'],
    ({ port }) => ({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' }),
  ],
  [
    'ioredis 5',
    ['killed'],
    ({ port }) =>
      () =>
        new Redis5({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' }) as never,
  ],
];

describe.each(VERSIONS)('RedisDriver with %s and a sentinel', (_, fates, toConfig) => {
  async function connect(): Promise<RedisDriver> {
    const driver = await connectDriver(toConfig(sentinel.sentinel), QUICK);
    drivers.push(driver);
    return driver;
  }

  it.each(fates)(
    'follows a primary that is %s, and tells a gap',
    async (fate) => {
      const [one, two] = [await connect(), await connect()];
      const { recorder } = await record(two, 'a');
      await one.publish('a', 1, 'global');
      await vi.waitFor(() => expect(recorder.entries).toEqual([1]));
      if (fate === 'killed') await sentinel.primary.kill();
      else await sentinel.failOver();
      await sentinel.promoted();
      // A sentinel lets a demoted primary be for some seconds before it tells it.
      await vi.waitFor(() => expect(recorder.entries).toContain('gap'), { timeout: 25_000 });
      await vi.waitFor(() => expect([one.status, two.status]).toEqual(['connected', 'connected']), {
        timeout: 10_000,
      });
      await one.publish('a', 2, 'global');
      await vi.waitFor(() => expect(recorder.entries.slice(-2)).toEqual(['gap', 2]), {
        timeout: 5_000,
      });
      expect(recorder.messages).toEqual([1, 2]);
    },
    60_000,
  );
});
