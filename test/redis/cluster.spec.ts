import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BusUnavailableError } from '../../lib/bus/bus-error.js';
import { hashSlot } from '../../lib/bus/redis/hash-slot.js';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { describeBusDriver } from '../../lib/bus/spec/bus-driver.contract.js';
import { CLUSTER_VERSIONS, connectDriver, type TestDriverOptions } from './driver.js';
import { record } from './recorder.js';
import { RedisCluster } from './redis-cluster.js';

let cluster: RedisCluster;
const drivers: RedisDriver[] = [];

beforeAll(async () => {
  cluster = await RedisCluster.start();
});

afterAll(() => cluster.stop());

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
});

for (const [version, toConfig] of CLUSTER_VERSIONS) {
  describeBusDriver(`RedisDriver with ${version} on a cluster`, {
    clustered: true,
    create: () => connectDriver(toConfig(cluster.nodes)),
  });

  describe(`RedisDriver with ${version} on a cluster`, () => {
    async function connect(options: TestDriverOptions = {}) {
      const driver = await connectDriver(toConfig(cluster.nodes), options);
      drivers.push(driver);
      return driver;
    }

    it('follows a slot to its new server, and tells a gap', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      await driver.publish('a', 1, 'global');
      await vi.waitFor(() => expect(recorder.entries).toEqual([1]));
      const slot = hashSlot('nestjs-streaming:bus:a');
      const from = cluster.serverOf(slot);
      const to = cluster.servers.find((it) => it !== from) ?? from;
      await cluster.move(slot, from, to);
      await vi.waitFor(() => expect(recorder.entries).toEqual([1, 'gap']), { timeout: 5_000 });
      await vi.waitFor(() => driver.publish('a', 2, 'global'), { timeout: 5_000 });
      await vi.waitFor(() => expect(recorder.entries.at(-1)).toBe(2), { timeout: 5_000 });
      await cluster.move(slot, to, from);
    });

    it('loses with a server its channels alone, and has them when it is back', async () => {
      const driver = await connect({ probeIntervalMs: 50, probeTimeoutMs: 500 });
      const serverOf = (channel: string) =>
        cluster.serverOf(hashSlot(`nestjs-streaming:bus:${channel}`));
      const lost = serverOf('a');
      const other = ['b', 'c', 'd', 'e', 'f'].find((it) => serverOf(it) !== lost) ?? 'none';
      const [a, b] = [await record(driver, 'a'), await record(driver, other)];
      await lost.kill();
      await vi.waitFor(() => expect(driver.status).toBe('reconnecting'));
      await expect(driver.publish('a', 1, 'global')).rejects.toThrow(BusUnavailableError);
      await driver.publish(other, 1, 'global');
      await vi.waitFor(() => expect(b.recorder.entries).toEqual([1]));
      await lost.restart();
      await vi.waitFor(() => expect(driver.status).toBe('connected'), { timeout: 20_000 });
      await driver.publish('a', 2, 'global');
      await vi.waitFor(() => expect(a.recorder.entries.slice(-2)).toEqual(['gap', 2]));
      expect(b.recorder.entries).toEqual([1]);
    });
  });
}
