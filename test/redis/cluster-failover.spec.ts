import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Channel, defineChannel } from '../../lib/bus/define-channel.js';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { hashSlot } from '../../lib/bus/redis/hash-slot.js';
import { CLUSTER_VERSIONS, connectDriver } from './driver.js';
import { RedisCluster } from './redis-cluster.js';
import { freePort, RedisServerProcess } from './redis-server.js';

const WAIT = { timeout: 20_000, interval: 10 };
const chat = defineChannel<number>('chat', { history: { size: 100, ttlMs: 60_000 } });

/** On the same server. */
const plain = defineChannel<number>('news-4');

let cluster: RedisCluster;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  cluster = await RedisCluster.start();
  cleanups.push(() => cluster.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function slotOf({ name, history }: Channel<number>): number {
  return hashSlot(`nestjs-streaming:${history ? `history:{${name}}` : `bus:${name}`}`);
}

/** Gives a server a replica that has all it has. */
async function replicate(primary: RedisServerProcess): Promise<RedisServerProcess> {
  const [port, busPort] = [await freePort(), await freePort()];
  const folder = await mkdtemp(join(tmpdir(), 'redis-replica-'));
  const own = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
  const files = ['--dir', folder, '--cluster-config-file', `nodes-${port}.conf`];
  const replica = await RedisServerProcess.start([...own, ...files], port);
  cleanups.push(async () => {
    await replica.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await primary.command('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
  const id = (await primary.command('CLUSTER', 'MYID')).split('\r\n').at(-1) ?? '';
  // Only what a server tells of itself to another makes the two known to each other.
  await primary.command('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
  await vi.waitFor(async () => {
    expect(await replica.command('CLUSTER', 'REPLICATE', id)).toContain('OK');
  }, WAIT);
  await vi.waitFor(async () => {
    expect(await replica.command('INFO', 'replication')).toContain('master_link_status:up');
    const nodes = await Promise.all(cluster.servers.map((it) => it.command('CLUSTER', 'NODES')));
    expect(nodes.every((it) => it.includes(`:${port}@`) && it.includes('slave'))).toBe(true);
  }, WAIT);
  return replica;
}

/** Waits until the replica has what the server has. */
async function synced(primary: RedisServerProcess, replica: RedisServerProcess): Promise<void> {
  const offsetOf = async (of: RedisServerProcess) =>
    /(?:master|slave)_repl_offset:(\d+)/.exec(await of.command('INFO', 'replication'))?.[1];
  await vi.waitFor(async () => {
    expect(await offsetOf(replica)).toBe(await offsetOf(primary));
  }, WAIT);
}

/** The server dies, and its replica serves in its place. */
async function failOver(primary: RedisServerProcess, replica: RedisServerProcess): Promise<void> {
  await primary.kill();
  await replica.command('CLUSTER', 'FAILOVER', 'TAKEOVER');
  // One that was promoted takes nothing until it has heard of the others again.
  await vi.waitFor(async () => {
    expect(await replica.command('CLUSTER', 'INFO')).toContain('cluster_state:ok');
  }, WAIT);
}

for (const [version, toConfig] of CLUSTER_VERSIONS) {
  describe(`On a Redis Cluster with ${version}`, () => {
    async function connect(): Promise<MessageBus> {
      const quick = { probeIntervalMs: 50, probeTimeoutMs: 1_000, reconnectDelayMs: 200 };
      const driver = await connectDriver(toConfig(cluster.nodes), quick);
      const bus = new MessageBus({ driver });
      cleanups.push(() => bus.close());
      return bus;
    }

    /** What a listener gets, with the reasons of gaps in their places. */
    async function follow(bus: MessageBus, channel: Channel<number>): Promise<unknown[]> {
      const seen: unknown[] = [];
      const onGap = ({ reason }: { reason: string }) => seen.push(reason);
      bus.addListener(channel, (message) => seen.push(message), { onGap });
      await bus.subscribe(channel).ready;
      return seen;
    }

    async function publish(bus: MessageBus, channel: Channel<number>, ...all: number[]) {
      for (const n of all) await bus.publish(channel, n);
    }

    async function back(...buses: MessageBus[]): Promise<void> {
      await vi.waitFor(
        () => expect(buses.every(({ status }) => status === 'connected')).toBe(true),
        WAIT,
      );
    }

    it('tells a failover as a gap, which costs a history nothing where the replica has it all', async () => {
      const primary = cluster.serverOf(slotOf(chat));
      expect(cluster.serverOf(slotOf(plain))).toBe(primary);
      const replica = await replicate(primary);
      const [publisher, reader] = [await connect(), await connect()];
      const [kept, seen] = [await follow(reader, chat), await follow(reader, plain)];
      await publish(publisher, plain, 1);
      await publish(publisher, chat, 1, 2, 3);
      await vi.waitFor(() => expect(seen).toEqual([1]));
      await synced(primary, replica);
      await failOver(primary, replica);
      await back(publisher, reader);
      await publish(publisher, plain, 2);
      await publish(publisher, chat, 4, 5, 6);
      // The way to it may break more than once while the cluster changes.
      await vi.waitFor(() => expect([...new Set(seen)]).toEqual([1, 'connection', 2]), WAIT);
      await vi.waitFor(() => expect(kept).toEqual([1, 2, 3, 4, 5, 6]), WAIT);
    });

    it('goes on without a hole in a history whose slot is moved with its keys', async () => {
      const [publisher, reader] = [await connect(), await connect()];
      const seen = await follow(reader, chat);
      await publish(publisher, chat, 1, 2, 3);
      const from = cluster.serverOf(slotOf(chat));
      const to = cluster.servers.find((it) => it !== from) ?? from;
      await moveWithKeys(slotOf(chat), from, to);
      await vi.waitFor(() => publish(publisher, chat, 4), { timeout: 10_000, interval: 50 });
      await publish(publisher, chat, 5, 6);
      await vi.waitFor(() => expect(seen).toEqual([1, 2, 3, 4, 5, 6]), WAIT);
    });
  });
}

async function moveWithKeys(
  slot: number,
  from: RedisServerProcess,
  to: RedisServerProcess,
): Promise<void> {
  const key = `nestjs-streaming:history:{${chat.name}}`;
  const target = ['127.0.0.1', String(to.port), '', '0', '5000', 'REPLACE'];
  const idOf = async (of: RedisServerProcess) =>
    (await of.command('CLUSTER', 'MYID')).split('\r\n').at(-1) ?? '';
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await to.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId);
  await from.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId);
  await from.command('MIGRATE', ...target, 'KEYS', key, `${key}:tail`);
  for (const server of [to, from]) {
    await server.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', toId);
  }
}
