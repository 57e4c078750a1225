import type { ClusterNode } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BusUnavailableError } from '../../lib/bus/bus-error.js';
import { type Channel, defineChannel } from '../../lib/bus/define-channel.js';
import type { Gap } from '../../lib/bus/gap.js';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { hashSlot } from '../../lib/bus/redis/hash-slot.js';
import type { RedisConfig } from '../../lib/bus/redis/redis-options.js';
import { describeHistory } from '../../lib/bus/spec/history.contract.js';
import { CLUSTER_VERSIONS, connectDriver } from './driver.js';
import { RedisCluster } from './redis-cluster.js';

let cluster: RedisCluster;
const buses: MessageBus[] = [];

beforeAll(async () => {
  cluster = await RedisCluster.start();
});

afterAll(() => cluster.stop());

afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
});

async function createBus(toConfig: (nodes: ClusterNode[]) => RedisConfig): Promise<MessageBus> {
  const bus = new MessageBus({ driver: await connectDriver(toConfig(cluster.nodes)) });
  buses.push(bus);
  return bus;
}

for (const [version, toConfig] of CLUSTER_VERSIONS) {
  describeHistory(`RedisDriver with ${version} on a cluster`, {
    clustered: true,
    create: () => connectDriver(toConfig(cluster.nodes)),
  });

  describe(`A history with ${version} on a cluster`, () => {
    it('is told to be gone where its slot was given away without its keys, and goes on', async () => {
      const channel = defineChannel<number>(`moved ${version}`, {
        history: { size: 100, ttlMs: 60_000 },
      });
      const [bus, publisher] = [await createBus(toConfig), await createBus(toConfig)];
      const seen: unknown[] = [];
      const onGap = ({ reason }: { reason: string }) => seen.push(reason);
      bus.addListener(channel, (message) => seen.push(message), { onGap });
      await bus.subscribe(channel).ready;
      await publisher.publish(channel, 1);
      await vi.waitFor(() => expect(seen).toEqual([1]));
      // Nobody is left that could tell of what it has published.
      await publisher.close();
      const slot = hashSlot(`nestjs-streaming:history:{${channel.name}}`);
      const from = cluster.serverOf(slot);
      const to = cluster.servers.find((it) => it !== from) ?? from;
      await from.command('DEL', `nestjs-streaming:history:{${channel.name}}`);
      await from.command('DEL', `nestjs-streaming:history:{${channel.name}}:tail`);
      await cluster.move(slot, from, to);
      const another = await createBus(toConfig);
      await vi.waitFor(() => another.publish(channel, 2), { timeout: 10_000, interval: 50 });
      await vi.waitFor(() => expect(seen.at(-1)).toBe(2), { timeout: 10_000 });
      expect(seen.slice(0, 2)).toEqual([1, 'reset']);
      await cluster.move(slot, to, from);
    });

    it('is gone with its server alone, which comes back without it; the others go on', async () => {
      const history = { size: 100, ttlMs: 60_000 };
      const define = (name: string) => defineChannel<number>(`${name} ${version}`, { history });
      const serverOf = ({ name }: { name: string }) =>
        cluster.serverOf(hashSlot(`nestjs-streaming:history:{${name}}`));
      const lost = define('lost');
      const isElsewhere = (it: Channel<number>) => serverOf(it) !== serverOf(lost);
      const kept = ['b', 'c', 'd', 'e', 'f'].map(define).find(isElsewhere) ?? lost;
      const bus = await createBus(toConfig);
      const follow = async (channel: Channel<number>) => {
        const seen: unknown[] = [];
        const onGap = ({ reason }: Gap) => seen.push(reason);
        bus.addListener(channel, (message) => seen.push(message), { onGap });
        await bus.subscribe(channel).ready;
        await bus.publish(channel, 1);
        return seen;
      };
      const [seenLost, seenKept] = [await follow(lost), await follow(kept)];
      await vi.waitFor(() => expect([seenLost, seenKept]).toEqual([[1], [1]]));
      await serverOf(lost).kill();
      await vi.waitFor(() => expect(bus.status).toBe('reconnecting'), { timeout: 10_000 });
      await expect(bus.publish(lost, 2)).rejects.toThrow(BusUnavailableError);
      await bus.publish(kept, 2);
      await vi.waitFor(() => expect(seenKept).toEqual([1, 2]));
      await serverOf(lost).restart();
      await vi.waitFor(() => expect(bus.status).toBe('connected'), { timeout: 20_000 });
      await vi.waitFor(() => bus.publish(lost, 3), { timeout: 10_000, interval: 50 });
      await vi.waitFor(() => expect(seenLost.at(-1)).toBe(3), { timeout: 10_000 });
      // The reader finds it out, and its publisher may tell it, too.
      expect([...new Set(seenLost)]).toEqual([1, 'reset', 3]);
      expect(seenKept).toEqual([1, 2]);
    });
  });
}
