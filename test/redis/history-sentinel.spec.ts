import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineChannel } from '../../lib/bus/define-channel.js';
import type { Gap } from '../../lib/bus/gap.js';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { numberOf } from '../../lib/bus/redis/history-position.js';
import type { RedisConfig } from '../../lib/bus/redis/redis-options.js';
import type { HistorySince } from '../../lib/bus/subscription.js';
import { connectDriver } from './driver.js';
import { RedisSentinel } from './redis-sentinel.js';
import type { RedisServerProcess } from './redis-server.js';

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 1_000, reconnectDelayMs: 200 } as const;
const WAIT = { timeout: 15_000, interval: 10 };
const chat = defineChannel<number>('chat', { history: { size: 100_000, ttlMs: 86_400_000 } });

type Seen = (number | Gap['reason'])[];

const toPlace = (port: number) => ({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' });

const VERSIONS: readonly [string, (port: number) => Redis][] = [
  ['ioredis 6', (port) => new Redis(toPlace(port))],
  ['ioredis 5', (port) => new Redis5(toPlace(port)) as never],
];

let sentinel: RedisSentinel;
const buses: MessageBus[] = [];

beforeEach(async () => {
  sentinel = await RedisSentinel.start();
});

afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
  await sentinel.stop();
});

/** Resolves when the replica has what the primary has. */
function synced(): Promise<void> {
  const offsetOf = async (of: RedisServerProcess) =>
    /master_repl_offset:(\d+)/.exec(await of.command('INFO', 'replication'))?.[1];
  return vi.waitFor(async () => {
    expect(await offsetOf(sentinel.replica)).toBe(await offsetOf(sentinel.primary));
  }, WAIT);
}

/** From here on the replica is given nothing; it knows nothing of it, and can be promoted. */
async function cutOff(): Promise<void> {
  await synced();
  sentinel.replica.freeze();
  await sentinel.primary.command('CLIENT', 'KILL', 'TYPE', 'replica');
}

async function killPrimary(): Promise<void> {
  await sentinel.primary.kill();
  sentinel.replica.thaw();
}

/** Reads the channel in the background, and notes gaps among its messages. */
async function follow(bus: MessageBus, since?: HistorySince) {
  const seen: Seen = [];
  const onGap = ({ reason }: Gap) => seen.push(reason);
  const subscription = bus.subscribe(chat, { onGap, since });
  void (async () => {
    for await (const message of subscription) seen.push(message);
  })();
  await subscription.ready;
  const sees = (...expected: Seen) => vi.waitFor(() => expect(seen).toEqual(expected), WAIT);
  return { subscription, seen, sees };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

async function publishAll(bus: MessageBus, messages: number[]): Promise<void> {
  await Promise.all(messages.map((message) => bus.publish(chat, message)));
}

/** Publishes numbers one by one until it is told to stop. */
function publishOn(bus: MessageBus, from: number) {
  let isOn = true;
  const confirmed: number[] = [];
  const done = (async () => {
    for (let n = from; isOn; n += 1) {
      await bus.publish(chat, n).then(
        () => confirmed.push(n),
        () => {},
      );
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const stop = () => {
    isOn = false;
    return done;
  };
  return { confirmed, stop };
}

/**
 * Of what a reader has seen that began behind a number, what is not in its place; and what of the
 * confirmed ones is missing without a gap there. Their end can't be missing.
 */
function faultsOf(seen: Seen, confirmed: readonly number[], behind = 0): Seen {
  const given = seen.filter((it) => it !== 'reset');
  const misplaced = given.filter((it, i) => !(Number(it) > Number(given[i - 1] ?? behind)));
  const missing = confirmed.filter((n) => n > behind && !seen.includes(n));
  const isTold = (n: number) => seen[seen.findIndex((it) => Number(it) > n) - 1] === 'reset';
  return [...misplaced, ...missing.filter((n) => !isTold(n))];
}

describe.each(VERSIONS)('A history with %s and a sentinel', (_, toRedis) => {
  async function connect(isBarred = () => false): Promise<MessageBus> {
    const redis: RedisConfig = () => {
      if (isBarred()) throw new Error('there is no way');
      return toRedis(sentinel.sentinel.port);
    };
    const bus = new MessageBus({ driver: await connectDriver(redis, QUICK) });
    buses.push(bus);
    return bus;
  }

  it('goes on without a hole where the replica has everything', async () => {
    const [publisher, bus] = [await connect(), await connect()];
    const reader = await follow(bus);
    await publishAll(publisher, range(1, 10));
    await reader.sees(...range(1, 10));
    const since = reader.subscription.position;
    await publishAll(publisher, range(11, 20));
    await synced();
    await killPrimary();
    const { confirmed, stop } = publishOn(publisher, 21);
    await vi.waitFor(() => expect(confirmed.length).toBeGreaterThan(50), WAIT);
    await stop();
    await reader.sees(...range(1, 20), ...confirmed);
    await (await follow(await connect(), 'start')).sees(...range(1, 20), ...confirmed);
    await (await follow(await connect(), since)).sees(...range(11, 20), ...confirmed);
  });

  it('has what was confirmed once and in order, or a gap, where the primary is killed while others publish', async () => {
    let isBarred = false;
    const [publisher, bus] = [await connect(), await connect(() => isBarred)];
    const reader = await follow(bus);
    await publishAll(publisher, range(1, 10));
    await reader.sees(...range(1, 10));
    const since = reader.subscription.position;
    // A replica that is new is given the first of what follows its copy up to a second later.
    await synced();
    const { confirmed, stop } = publishOn(publisher, 11);
    isBarred = true;
    await vi.waitFor(() => expect(confirmed.length).toBeGreaterThan(200), WAIT);
    await killPrimary();
    const killed = confirmed.length;
    await vi.waitFor(() => expect(confirmed.length).toBeGreaterThan(killed + 50), WAIT);
    // What was published meanwhile is in the history alone.
    isBarred = false;
    await vi.waitFor(() => expect(bus.status).toBe('connected'), WAIT);
    await stop();
    const [all, later] = [await follow(await connect(), 'start'), await follow(bus, since)];
    const published = [...range(1, 10), ...confirmed];
    await vi.waitFor(() => {
      expect(faultsOf(reader.seen, published)).toEqual([]);
      expect(faultsOf(all.seen, published)).toEqual([]);
      expect(faultsOf(later.seen, published, 10)).toEqual([]);
    }, WAIT);
  });

  it('tells those who had seen the end that was lost, though its numbers come again', async () => {
    const [publisher, bus] = [await connect(), await connect()];
    const reader = await follow(bus);
    await publishAll(publisher, range(1, 10));
    await cutOff();
    await publishAll(publisher, range(11, 20));
    await reader.sees(...range(1, 20));
    const since = reader.subscription.position as string;
    // Nobody is left that could tell of what it has published.
    await publisher.close();
    await killPrimary();
    await reader.sees(...range(1, 20), 'reset');
    const another = await connect();
    await publishAll(another, range(21, 30));
    await reader.sees(...range(1, 20), 'reset', ...range(21, 30));
    expect(numberOf(reader.subscription.position as string)).toBe(numberOf(since));
    await (await follow(another, since)).sees('reset', ...range(21, 30));
    await (await follow(another, 'start')).sees(...range(1, 10), ...range(21, 30));
  });

  it('tells those, too, who had not seen it, and those who come later', async () => {
    const publisher = await connect();
    const reader = await follow(publisher);
    await publishAll(publisher, range(1, 10));
    await reader.sees(...range(1, 10));
    const since = reader.subscription.position;
    await cutOff();
    await publishAll(publisher, range(11, 20));
    await killPrimary();
    // The publisher has it recorded that some are lost, before it publishes anything.
    const kept = () => sentinel.replica.command('XLEN', `nestjs-streaming:history:{${chat.name}}`);
    await vi.waitFor(async () => expect(await kept()).toBe(':2'), WAIT);
    const late = await follow(await connect(), since);
    await late.sees('reset');
    await publishAll(publisher, range(21, 30));
    await late.sees('reset', ...range(21, 30));
    expect(await kept()).toBe(':3');
    const all = await follow(await connect(), 'start');
    await all.sees(...range(1, 10), 'reset', ...range(21, 30));
  });
});
