import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashSlot } from '../../lib/bus/redis/hash-slot.js';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { describeClusterLog, NotedLog } from '../../lib/bus/spec/cluster-log.contract.js';
import { CLUSTER_VERSIONS, connectDriver, type TestDriverOptions } from './driver.js';
import { RedisCluster } from './redis-cluster.js';
import { RedisSentinel } from './redis-sentinel.js';

const WAIT = { timeout: 20_000, interval: 10 };

const drivers: RedisDriver[] = [];

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
});

describe('On a Redis Cluster', () => {
  let cluster: RedisCluster;
  const prefixes = new WeakMap<object, string>();
  let clusters = 0;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });

  afterAll(() => cluster.stop());

  for (const [version, toConfig] of CLUSTER_VERSIONS) {
    const connect = async (prefix: string, options: TestDriverOptions = {}) => {
      const driver = await connectDriver(toConfig(cluster.nodes), { prefix, ...options });
      prefixes.set(driver, prefix);
      return driver;
    };

    describeClusterLog(`RedisDriver with ${version} on a cluster`, {
      create: () => connect(`cluster-${clusters++}:`),
      join: (first) => connect(prefixes.get(first) ?? ''),
    });

    it(`follows its slot to another server with ${version}`, async () => {
      const prefix = `moving-${clusters++}:`;
      drivers.push(await connect(prefix), await connect(prefix));
      const [one, two] = drivers.map((it) => new NotedLog(it, { leaseMs: 3_000 }));
      await Promise.all([one?.log.ready, two?.log.ready]);
      await one?.log.append('a');
      const slot = hashSlot(`${prefix}log:{log}`);
      const from = cluster.serverOf(slot);
      const to = cluster.servers.find((it) => it !== from) ?? from;
      await cluster.move(slot, from, to);
      await vi.waitFor(() => two?.log.append('b'), WAIT);
      for (const noted of [one, two]) {
        expect(new Set(noted?.entries)).toEqual(new Set(['a', 'b']));
        expect(noted?.log.isCurrent).toBe(true);
      }
      await cluster.move(slot, to, from);
    });
  }
});

describe('With a sentinel', () => {
  let sentinel: RedisSentinel;

  beforeAll(async () => {
    sentinel = await RedisSentinel.start();
  });

  afterAll(() => sentinel.stop());

  it('goes on at the new primary, and keeps what was recorded', async () => {
    const place = {
      sentinels: [{ host: '127.0.0.1', port: sentinel.sentinel.port }],
      name: 'main',
    };
    const quick = { probeIntervalMs: 100, probeTimeoutMs: 300, reconnectDelayMs: 200 };
    drivers.push(await connectDriver(place, quick), await connectDriver(place, quick));
    const [one, two] = drivers.map((it) => new NotedLog(it, { leaseMs: 4_000 }));
    await Promise.all([one?.log.ready, two?.log.ready]);
    await one?.log.append('a');
    await sentinel.primary.kill();
    await sentinel.promoted();
    await vi.waitFor(() => two?.log.append('b'), WAIT);
    for (const noted of [one, two]) {
      expect(new Set(noted?.entries)).toEqual(new Set(['a', 'b']));
      expect(noted?.log.isCurrent).toBe(true);
    }
    drivers.push(await connectDriver(place, quick));
    const late = new NotedLog(drivers.at(-1) as RedisDriver, { leaseMs: 4_000 });
    await late.log.ready;
    expect(new Set(late.entries)).toEqual(new Set(['a', 'b']));
  }, 60_000);
});
