import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashSlot } from '../../lib/bus/redis/hash-slot.js';
import { MessageBus, Serializable } from '../../lib/index.js';
import { CLUSTER_VERSIONS, connectDriver, type TestDriverOptions } from './driver.js';
import { RedisCluster } from './redis-cluster.js';
import type { RedisServerProcess } from './redis-server.js';

@Serializable('redis-cluster.Point')
class Point {
  x = 0;
}

let cluster: RedisCluster;
const buses: MessageBus[] = [];

beforeAll(async () => {
  cluster = await RedisCluster.start();
});

afterAll(() => cluster.stop());

afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
});

const place = (channel: string) => `nestjs-streaming:bus:${channel}`;

function serverOf(channel: string): RedisServerProcess {
  return cluster.serverOf(hashSlot(place(channel)));
}

/** How many connections are subscribed to it, with sharded pub/sub. */
async function countSharded(channel: string): Promise<number> {
  const reply = await serverOf(channel).command('PUBSUB', 'SHARDNUMSUB', place(channel));
  return Number(/:(\d+)$/.exec(reply)?.[1]);
}

for (const [version, toConfig] of CLUSTER_VERSIONS) {
  describe(`MessageBus over a Redis Cluster with ${version}`, () => {
    async function connect(options: TestDriverOptions = {}): Promise<MessageBus> {
      const quick = { probeIntervalMs: 50, probeTimeoutMs: 500 };
      const driver = await connectDriver(toConfig(cluster.nodes), { ...quick, ...options });
      const bus = new MessageBus({ driver });
      buses.push(bus);
      return bus;
    }

    it('brings a message to every process once, its own too, equal and as an instance', async () => {
      const all = [await connect(), await connect()];
      const point = Object.assign(new Point(), { x: 7 });
      // Their slots are on different servers.
      for (const channel of ['a', 'b', 'c', 'd']) {
        const seen = all.map((bus) => bus.subscribe(channel));
        await Promise.all(seen.map(({ ready }) => ready));
        await all[0]?.publish(channel, point);
        await all[1]?.publish(channel, 'last');
        for (const subscription of seen) {
          const { value } = await subscription.next();
          expect(value).toBeInstanceOf(Point);
          expect(value).toEqual(point);
          expect((await subscription.next()).value).toBe('last');
          subscription.cancel();
        }
      }
      expect(new Set(['a', 'b', 'c', 'd'].map(serverOf)).size).toBeGreaterThan(1);
    });

    it('subscribes once for each channel, with sharded pub/sub, until the last has left', async () => {
      const bus = await connect({ lingerMs: 50 });
      const subscriptions = [bus.subscribe('one'), bus.subscribe('one')];
      await Promise.all(subscriptions.map(({ ready }) => ready));
      expect(await countSharded('one')).toBe(1);
      expect(await serverOf('one').command('PUBSUB', 'NUMSUB', place('one'))).toMatch(/:0$/);
      for (const subscription of subscriptions) subscription.cancel();
      await vi.waitFor(async () => expect(await countSharded('one')).toBe(0));
    });

    it('loses nothing that is published after `ready` when a channel is left and taken again', async () => {
      const [bus, other] = [await connect({ lingerMs: 5 }), await connect()];
      for (let round = 0; round < 20; round += 1) {
        const subscription = bus.subscribe('again');
        await subscription.ready;
        await other.publish('again', round);
        expect((await subscription.next()).value).toBe(round);
        subscription.cancel();
        if (round % 2) await new Promise((resolve) => setTimeout(resolve, round % 10));
      }
    });

    it('counts and skips garbage, and delivers the next good message', async () => {
      const problems: string[] = [];
      const bus = await connect({ hooks: { badMessage: (_, it) => void problems.push(it) } });
      const subscription = bus.subscribe('g');
      await subscription.ready;
      for (const garbage of ['', 'garbage']) {
        await serverOf('g').command('SPUBLISH', place('g'), garbage);
      }
      await bus.publish('g', 'good');
      expect((await subscription.next()).value).toBe('good');
      expect(problems).toHaveLength(2);
    });

    it('has a subscription that was made while its server was gone', async () => {
      const bus = await connect({ publishTimeoutMs: 400 });
      const server = serverOf('a');
      await server.kill();
      await vi.waitFor(() => expect(bus.status).toBe('reconnecting'));
      const subscription = bus.subscribe('a');
      await expect(bus.publish('a', 1)).rejects.toMatchObject({ code: 'unavailable' });
      await server.restart();
      await vi.waitFor(() => expect(bus.status).toBe('connected'), { timeout: 20_000 });
      await subscription.ready;
      await bus.publish('a', 2);
      expect((await subscription.next()).value).toBe(2);
    });
  });
}
