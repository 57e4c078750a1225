import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Channel, defineChannel } from '../../lib/bus/define-channel.js';
import type { Gap } from '../../lib/bus/gap.js';
import { MessageBus } from '../../lib/bus/message-bus.js';
import type { RedisConfig } from '../../lib/bus/redis/redis-options.js';
import type { ChannelSubscribeOptions } from '../../lib/bus/subscription.js';
import { connectDriver, type TestDriverOptions } from './driver.js';
import { DURABLE, RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 300, publishTimeoutMs: 1_000 } as const;
const DAY_MS = 86_400_000;
const PREFIX = 'nestjs-streaming:';

const cleanups: (() => Promise<unknown>)[] = [];
let server: RedisServerProcess;
let names = 0;

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function createChannel(size = 100_000): Channel<number> {
  names += 1;
  return defineChannel<number>(`channel ${names}`, { history: { size, ttlMs: DAY_MS } });
}

async function createBus(redis: RedisConfig = server.url, options: TestDriverOptions = {}) {
  const driver = await connectDriver(redis, { ...QUICK, ...options });
  const bus = new MessageBus({ driver, hooks: options.hooks });
  cleanups.push(() => bus.close());
  return bus;
}

async function startProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  cleanups.push(() => proxy.stop());
  return proxy;
}

/** Reads a channel in the background, and notes gaps among its messages. */
async function follow(
  bus: MessageBus,
  channel: Channel<number>,
  options: ChannelSubscribeOptions = {},
) {
  const seen: (number | Gap['reason'])[] = [];
  const onGap = ({ reason }: Gap) => seen.push(reason);
  const subscription = bus.subscribe(channel, { onGap, ...options });
  const ended = (async () => {
    for await (const message of subscription) seen.push(message);
  })();
  ended.catch(() => {});
  await subscription.ready;
  // The same may be told twice: to who finds it out, and by who knows of it.
  const once = () => seen.filter((it, i) => typeof it === 'number' || it !== seen[i - 1]);
  const until = (...expected: (number | string)[]) =>
    vi.waitFor(() => expect(once()).toEqual(expected), { timeout: 10_000, interval: 5 });
  return { subscription, seen, once, until };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

async function publishAll(bus: MessageBus, channel: Channel<number>, messages: number[]) {
  await Promise.all(messages.map((message) => bus.publish(channel, message)));
}

/** Publishes numbers one by one until it is told to stop; gives those that were confirmed. */
function publishOn(bus: MessageBus, channel: Channel<number>) {
  let isOn = true;
  const confirmed: number[] = [];
  const done = (async () => {
    for (let n = 1; isOn; n += 1) {
      await bus.publish(channel, n).then(
        () => confirmed.push(n),
        () => {},
      );
      await new Promise(setImmediate);
    }
  })();
  return async () => {
    isOn = false;
    await done;
    return confirmed;
  };
}

/** All that was confirmed was seen, and nothing twice, nothing out of order, with no gap. */
function expectWhole(seen: readonly (number | string)[], confirmed: readonly number[]): void {
  expect(seen.filter((it) => typeof it === 'string')).toEqual([]);
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(a) - Number(b)));
  expect(confirmed.filter((it) => !seen.includes(it))).toEqual([]);
}

function until(bus: MessageBus, status: MessageBus['status']): Promise<void> {
  return vi.waitFor(() => expect(bus.status).toBe(status), { timeout: 10_000, interval: 2 });
}

describe('A channel with history at Redis', () => {
  it('goes on without a hole where its subscriber is killed, again and again', async () => {
    const channel = createChannel();
    const [publisher, bus] = [await createBus(), await createBus()];
    const { seen } = await follow(bus, channel);
    const stop = publishOn(publisher, channel);
    for (let n = 0; n < 5; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    }
    const confirmed = await stop();
    expect(confirmed.length).toBeGreaterThan(100);
    await vi.waitFor(() => expectWhole(seen, confirmed), { timeout: 10_000, interval: 50 });
  });

  it('goes on where all connections of its process are killed', async () => {
    const channel = createChannel();
    const [publisher, bus] = [await createBus(), await createBus()];
    const { until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 10));
    await sees(...range(1, 10));
    for (const type of ['pubsub', 'normal']) await server.command('CLIENT', 'KILL', 'TYPE', type);
    await until(publisher, 'connected');
    await vi.waitFor(() => publisher.publish(channel, 11), { timeout: 5_000 });
    await publishAll(publisher, channel, range(12, 20));
    await sees(...range(1, 20));
  });

  it('goes on behind a black hole, while others publish', async () => {
    const channel = createChannel();
    const proxy = await startProxy();
    const [publisher, bus] = [await createBus(), await createBus(proxy.url)];
    const { seen } = await follow(bus, channel);
    const stop = publishOn(publisher, channel);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(10));
    proxy.hold();
    await until(bus, 'reconnecting');
    const before = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    proxy.release();
    const confirmed = await stop();
    expect(confirmed.length).toBeGreaterThan(before);
    await vi.waitFor(() => expectWhole(seen, confirmed), { timeout: 10_000, interval: 50 });
  });

  it('gives a burst that came while it was gone, in many pages', async () => {
    const channel = createChannel();
    const [publisher, bus] = [await createBus(), await createBus()];
    const { until: sees } = await follow(bus, channel);
    const slow = bus.subscribe(channel, { capacity: 10 });
    await slow.ready;
    const killed = server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await publishAll(publisher, channel, range(1, 5_000));
    await killed;
    await sees(...range(1, 5_000));
    for (let n = 1; n <= 5_000; n += 1) expect((await slow.next()).value).toBe(n);
  });

  it('tells where more was published meanwhile than is kept', async () => {
    const channel = createChannel(100);
    const proxy = await startProxy();
    const [publisher, bus] = [await createBus(), await createBus(proxy.url)];
    const { seen, until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 5));
    await sees(...range(1, 5));
    proxy.hold();
    await publishAll(publisher, channel, range(6, 1_000));
    await until(bus, 'reconnecting');
    proxy.release();
    await vi.waitFor(() => expect(bus.status).toBe('connected'), { timeout: 10_000 });
    await publishAll(publisher, channel, [1_001]);
    await vi.waitFor(() => expect(seen.at(-1)).toBe(1_001), { timeout: 10_000 });
    expect(seen[5]).toBe('trimmed');
    expect([...seen.slice(0, 5), ...seen.slice(-100)]).toEqual([
      ...range(1, 5),
      ...range(902, 1_001),
    ]);
  });

  it('tells where everything was flushed, of what it may have missed alone', async () => {
    const channel = createChannel();
    const proxy = await startProxy();
    const [publisher, bus] = [await createBus(), await createBus(proxy.url)];
    const another = await createBus();
    const there = await follow(publisher, channel);
    const { until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 5));
    await sees(...range(1, 5));
    proxy.hold();
    await publishAll(publisher, channel, range(6, 10));
    await there.until(...range(1, 10));
    await server.command('FLUSHALL');
    // By one that knows nothing of what was there.
    await publishAll(another, channel, range(11, 15));
    await until(bus, 'reconnecting');
    proxy.release();
    await vi.waitFor(() => sees(...range(1, 5), 'reset', ...range(11, 15)), { timeout: 10_000 });
    expect(there.seen.filter((it) => typeof it === 'number')).toEqual(range(1, 15));
  });

  it('tells of a flush to those who had seen nothing yet', async () => {
    const channel = createChannel();
    const proxy = await startProxy();
    const [publisher, bus] = [await createBus(), await createBus(proxy.url)];
    const { until: sees } = await follow(bus, channel);
    proxy.hold();
    await until(bus, 'reconnecting');
    await publishAll(publisher, channel, range(1, 5));
    await server.command('FLUSHALL');
    await publishAll(publisher, channel, [6]);
    proxy.release();
    await sees('reset', 6);
  });

  it('tells where Redis came back empty, and goes on', async () => {
    const own = await RedisServerProcess.start();
    cleanups.push(() => own.stop());
    const channel = createChannel();
    const [publisher, bus] = [await createBus(own.url), await createBus(own.url)];
    const { until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 5));
    await sees(...range(1, 5));
    // Nobody is left that could tell of what it has published.
    await publisher.close();
    await own.kill();
    await until(bus, 'reconnecting');
    await own.restart();
    await until(bus, 'connected');
    await sees(...range(1, 5), 'reset');
    await publishAll(await createBus(own.url), channel, [6]);
    await sees(...range(1, 5), 'reset', 6);
  });

  it('goes on without a hole where Redis came back with what it had', async () => {
    const own = await startDurable();
    const channel = createChannel();
    const [publisher, bus] = [await createBus(own.url), await createBus(own.url)];
    const { seen, until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 5));
    await sees(...range(1, 5));
    await own.stop();
    await until(bus, 'reconnecting');
    await own.restart();
    await until(publisher, 'connected');
    await publishAll(publisher, channel, range(6, 10));
    await sees(...range(1, 10));
    expect(seen).toEqual(range(1, 10));
  });

  it('lets no subscription fail while Redis is away, those made meanwhile neither', async () => {
    const own = await startDurable();
    const channel = createChannel();
    const bus = await createBus(own.url);
    await publishAll(bus, channel, range(1, 5));
    await own.stop();
    await until(bus, 'reconnecting');
    const following = follow(bus, channel, { since: 'start' });
    await expect(bus.publish(channel, 0)).rejects.toMatchObject({ code: 'unavailable' });
    await own.restart();
    await (await following).until(...range(1, 5));
  });

  it('takes what is no history for a channel that can not be carried', async () => {
    const channelFailed = vi.fn();
    const channel = createChannel();
    const bus = await createBus(server.url, { hooks: { channelFailed } });
    const { subscription } = await follow(bus, channel);
    await server.command('SET', `${PREFIX}history:{${channel.name}}`, 'mine');
    await expect(bus.publish(channel, 1)).rejects.toThrow(/WRONGTYPE/);
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await vi.waitFor(() => expect(channelFailed).toHaveBeenCalled(), { timeout: 5_000 });
    const [, error] = channelFailed.mock.calls[0] ?? [];
    expect(error).toMatchObject({ name: 'BusError', code: 'unavailable' });
    expect(error.message).toMatch(/^The history of "channel \d+" can't be read: WRONGTYPE/);
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    expect(bus.subscriberCount()).toBe(0);
  });

  it('waits for a server that is there and can not serve yet', async () => {
    const own = await startDurable();
    const channel = createChannel();
    const bus = await createBus(own.url, { publishTimeoutMs: 5_000 });
    await publishAll(bus, channel, range(1, 5));
    const { subscription } = await follow(bus, channel);
    await own.command('CONFIG', 'SET', 'busy-reply-threshold', '1');
    const busy = own.command('EVAL', "while true do redis.call('PING') end", '0');
    await vi.waitFor(async () => expect(await own.command('PING')).toMatch(/^-BUSY/));
    const late = bus.subscribe(channel, { since: 'start' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await own.command('SCRIPT', 'KILL');
    await busy;
    expect((await late.next()).value).toBe(1);
    subscription.cancel();
  });

  it('passes over what is no message, tells the hook, and goes on', async () => {
    const badMessage = vi.fn();
    const channel = createChannel();
    const bus = await createBus(server.url, { hooks: { badMessage } });
    const { until: sees } = await follow(bus, channel);
    const key = `${PREFIX}history:{${channel.name}}`;
    await bus.publish(channel, 1);
    await server.command('PUBLISH', key, 'garbage');
    await server.command('PUBLISH', key, '1-1.x 1-2.x 1\ngarbage');
    await bus.publish(channel, 2);
    await sees(1, 2);
    const told = [channel.name, expect.any(String)];
    expect(badMessage.mock.calls).toEqual([told, told]);
  });

  async function startDurable(): Promise<RedisServerProcess> {
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(`${tmpdir()}/redis-`);
    const own = await RedisServerProcess.start(['--dir', folder, ...DURABLE]);
    cleanups.push(async () => {
      await own.stop();
      await rm(folder, { recursive: true });
    });
    return own;
  }
});

describe('A channel with history, when the primary is lost', () => {
  /** A primary with a replica, and a way to whichever serves. */
  async function startPair() {
    const primary = await RedisServerProcess.start();
    const replica = await RedisServerProcess.start(['--replicaof', '127.0.0.1', `${primary.port}`]);
    cleanups.push(() => Promise.all([primary.stop(), replica.stop()]));
    const linked = async () =>
      expect(await replica.command('INFO', 'replication')).toContain('master_link_status:up');
    await vi.waitFor(linked, { timeout: 10_000 });
    let port = primary.port;
    const redis: RedisConfig = () => new Redis({ port, host: '127.0.0.1', lazyConnect: true });
    /** From here on the replica is given nothing. */
    const part = () => replica.command('REPLICAOF', 'NO', 'ONE');
    const offsetOf = async (of: RedisServerProcess) =>
      /master_repl_offset:(\d+)/.exec(await of.command('INFO', 'replication'))?.[1];
    const synced = () =>
      vi.waitFor(async () => expect(await offsetOf(replica)).toBe(await offsetOf(primary)), {
        timeout: 5_000,
      });
    const failOver = async () => {
      port = replica.port;
      await primary.kill();
    };
    return { redis, part, synced, failOver, primary };
  }

  it('goes on without a hole where the replica has everything', async () => {
    const { redis, part, synced, failOver } = await startPair();
    const channel = createChannel();
    const [publisher, bus] = [await createBus(redis), await createBus(redis)];
    const { until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 10));
    await synced();
    await part();
    await failOver();
    await Promise.all([until(publisher, 'reconnecting'), until(bus, 'reconnecting')]);
    await Promise.all([until(publisher, 'connected'), until(bus, 'connected')]);
    await publishAll(publisher, channel, range(11, 20));
    await sees(...range(1, 20));
  });

  it('tells those who had seen the end that was lost, and goes on', async () => {
    const { redis, part, synced, failOver } = await startPair();
    const channel = createChannel();
    const [publisher, bus] = [await createBus(redis), await createBus(redis)];
    const { seen, until: sees } = await follow(bus, channel);
    await publishAll(publisher, channel, range(1, 10));
    await synced();
    await part();
    await publishAll(publisher, channel, range(11, 20));
    await sees(...range(1, 20));
    // Nobody is left that could tell of what it has published.
    await publisher.close();
    await failOver();
    await until(bus, 'reconnecting');
    await until(bus, 'connected');
    await publishAll(await createBus(redis), channel, range(21, 30));
    await vi.waitFor(() => expect(seen.at(-1)).toBe(30), { timeout: 5_000 });
    expect(seen.slice(0, 21)).toEqual([...range(1, 20), 'reset']);
    expect(seen.filter((it) => typeof it === 'number')).toEqual(range(1, 30));
  });

  it('tells those who come back when there is as much again as they had seen', async () => {
    const { redis, part, synced, failOver } = await startPair();
    const channel = createChannel();
    const publisher = await createBus(redis);
    await publishAll(publisher, channel, range(1, 10));
    await synced();
    await part();
    const first = await follow(publisher, channel);
    await publishAll(publisher, channel, range(11, 20));
    await first.until(...range(11, 20));
    const since = first.subscription.position;
    await publisher.close();
    await failOver();
    await publishAll(await createBus(redis), channel, range(21, 30));
    const second = await follow(await createBus(redis), channel, { since });
    await second.until('reset', ...range(21, 30));
  });

  it('tells those, too, who had not seen it', async () => {
    const { redis, part, synced, failOver, primary } = await startPair();
    const channel = createChannel();
    const proxy = await TcpProxy.start(primary.port);
    cleanups.push(() => proxy.stop());
    const [publisher, reader] = [await createBus(redis), await createBus(proxy.url)];
    const first = await follow(reader, channel);
    await publishAll(publisher, channel, range(1, 10));
    await first.until(...range(1, 10));
    const since = first.subscription.position;
    first.subscription.cancel();
    await synced();
    await part();
    await publishAll(publisher, channel, range(11, 20));
    await failOver();
    await until(publisher, 'reconnecting');
    await until(publisher, 'connected');
    await publishAll(publisher, channel, range(21, 30));
    const second = await follow(await createBus(redis), channel, { since });
    await vi.waitFor(() => expect(second.seen.at(-1)).toBe(30), { timeout: 5_000 });
    expect(second.seen.filter((it) => typeof it === 'number')).toEqual(range(21, 30));
    expect(second.seen[0]).toBe('reset');
  });

  it('tells them without anything being published after it', async () => {
    const { redis, part, synced, failOver } = await startPair();
    const channel = createChannel();
    const publisher = await createBus(redis);
    await publishAll(publisher, channel, range(1, 10));
    const { subscription, until: sees } = await follow(publisher, channel, { since: 'start' });
    await sees(...range(1, 10));
    const since = subscription.position;
    subscription.cancel();
    await synced();
    await part();
    await publishAll(publisher, channel, range(11, 20));
    await failOver();
    await until(publisher, 'reconnecting');
    const late = await follow(await createBus(redis), channel, { since });
    await late.until('reset');
  });
});
