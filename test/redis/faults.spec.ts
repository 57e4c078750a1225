import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BusStatus } from '../../lib/bus/bus-driver.js';
import { BusUnavailableError } from '../../lib/bus/bus-error.js';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { resolveRedisBusOptions } from '../../lib/bus/redis/redis-options.js';
import { connectDriver, type TestDriverOptions, VERSIONS } from './driver.js';
import { Recorder, record } from './recorder.js';
import { RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 500, publishTimeoutMs: 400 } as const;

let server: RedisServerProcess;
const drivers: RedisDriver[] = [];
const proxies: TcpProxy[] = [];

beforeEach(async () => {
  server = await RedisServerProcess.start();
});

afterEach(async () => {
  server.thaw();
  for (const driver of drivers.splice(0)) await driver.close();
  for (const proxy of proxies.splice(0)) await proxy.stop();
  await server.stop();
});

async function startProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  proxies.push(proxy);
  return proxy;
}

async function until(driver: RedisDriver, status: BusStatus): Promise<void> {
  await vi.waitFor(() => expect(driver.status).toBe(status), { interval: 2, timeout: 5_000 });
}

async function arrived(recorder: Recorder, entries: unknown[]): Promise<void> {
  await vi.waitFor(() => expect(recorder.entries).toEqual(entries), {
    interval: 5,
    timeout: 5_000,
  });
}

for (const [version, toConfig] of VERSIONS) {
  describe(`RedisDriver with ${version}, when Redis is slow or gone`, () => {
    async function connect(options: TestDriverOptions = {}, url = server.url) {
      const driver = await connectDriver(toConfig(url), { ...QUICK, ...options });
      drivers.push(driver);
      return driver;
    }

    it('tells a gap where its subscriber was killed, and goes on', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      await driver.publish('a', 1, 'global');
      await arrived(recorder, [1]);
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await arrived(recorder, [1, 'gap']);
      await until(driver, 'connected');
      await driver.publish('a', 2, 'global');
      await arrived(recorder, [1, 'gap', 2]);
    });

    it('loses nothing where all of Redis is emptied', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      await driver.publish('a', 1, 'global');
      await server.command('FLUSHALL');
      await driver.publish('a', 2, 'global');
      await arrived(recorder, [1, 2]);
      expect(driver.status).toBe('connected');
    });

    it('publishes while its subscriber alone is lost', async () => {
      const other = await connect();
      const { recorder } = await record(other, 'a');
      const before = await server.subscribers();
      const driver = await connect();
      const [id = ''] = (await server.subscribers()).filter((it) => !before.includes(it));
      await server.command('CLIENT', 'KILL', 'ID', id);
      await until(driver, 'reconnecting');
      await driver.publish('a', 1, 'global');
      await arrived(recorder, [1]);
    });

    it('rejects what is published while Redis is gone, at once, and keeps nothing of it', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      await server.kill();
      await until(driver, 'reconnecting');
      // By then the other connection is lost, too.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const results = await Promise.allSettled(
        Array.from({ length: 1_000 }, (_, n) => driver.publish('a', n, 'global')),
      );
      for (const result of results)
        expect(result).toEqual({ status: 'rejected', reason: expect.any(BusUnavailableError) });
      await server.restart();
      await until(driver, 'connected');
      await driver.publish('a', 'after', 'global');
      await arrived(recorder, ['gap', 'after']);
    });

    it('has all subscriptions when Redis is back, those made meanwhile too', async () => {
      const driver = await connect();
      const before = await record(driver, 'before');
      const left = await record(driver, 'left');
      await server.kill();
      await until(driver, 'reconnecting');
      left.subscription.cancel();
      const meanwhile = new Recorder();
      const { ready } = driver.subscribe('meanwhile', meanwhile);
      await server.restart();
      await ready;
      await until(driver, 'connected');
      await driver.publish('before', 1, 'global');
      await driver.publish('meanwhile', 1, 'global');
      await arrived(before.recorder, ['gap', 1]);
      await arrived(meanwhile, [1]);
      expect(left.recorder.entries).toEqual([]);
    });

    it('takes messages to its own process alone while Redis is gone, where it is told to', async () => {
      const driver = await connect({ onUnavailable: 'local' });
      const { recorder } = await record(driver, 'a');
      await server.kill();
      await until(driver, 'reconnecting');
      await driver.publish('a', 1, 'global');
      expect(recorder.entries).toEqual([1]);
      await server.restart();
      await until(driver, 'connected');
      await driver.publish('a', 2, 'global');
      await arrived(recorder, [1, 'gap', 2]);
    });

    it('notices a black hole, rejects what fell into it, and is back when there is a way', async () => {
      const proxy = await startProxy();
      const [driver, other] = [await connect({}, proxy.url), await connect()];
      const { recorder } = await record(driver, 'a');
      proxy.hold();
      await other.publish('a', 'meanwhile', 'global');
      await expect(driver.publish('b', 1, 'global')).rejects.toThrow(BusUnavailableError);
      await until(driver, 'reconnecting');
      proxy.release();
      await until(driver, 'connected');
      await driver.publish('a', 2, 'global');
      await vi.waitFor(() => expect(recorder.entries.at(-1)).toBe(2));
      // A subscriber that was heard of until shortly before is not given up, and gets it late.
      expect([
        ['gap', 2],
        ['meanwhile', 2],
      ]).toContainEqual(recorder.entries);
    });

    it('gives up an attempt to connect that nobody answers, and makes another', async () => {
      const proxy = await startProxy();
      const driver = await connect({ connectTimeoutMs: 300 }, proxy.url);
      proxy.hold();
      await until(driver, 'reconnecting');
      await vi.waitFor(() => expect(proxy.accepted).toBeGreaterThan(3), { timeout: 5_000 });
      proxy.releaseNew();
      await until(driver, 'connected');
    });

    it('does not notice a black hole without its probe', async () => {
      const proxy = await startProxy();
      const driver = await connect({ probeIntervalMs: 60_000 }, proxy.url);
      const { recorder } = await record(driver, 'a');
      proxy.hold();
      await expect(driver.publish('a', 1, 'global')).rejects.toThrow(BusUnavailableError);
      await expect(driver.publish('a', 2, 'global')).rejects.toThrow(BusUnavailableError);
      expect([driver.status, recorder.entries]).toEqual(['connected', []]);
    });

    it('notices a black hole with the intervals of the defaults, too', async () => {
      const proxy = await startProxy();
      const driver = await connectDriver(toConfig(proxy.url));
      drivers.push(driver);
      const { recorder } = await record(driver, 'a');
      proxy.hold();
      await until(driver, 'reconnecting');
      expect(recorder.entries).toEqual([]);
      const { probeIntervalMs, probeTimeoutMs } = resolveRedisBusOptions();
      expect(probeIntervalMs + probeTimeoutMs).toBeLessThan(3_000);
    });

    it('lets go of a server that is frozen, and comes back to it', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      server.freeze();
      await expect(driver.publish('a', 1, 'global')).rejects.toThrow(BusUnavailableError);
      await until(driver, 'reconnecting');
      server.thaw();
      await until(driver, 'connected');
      await driver.publish('a', 2, 'global');
      await vi.waitFor(() => expect(recorder.entries.at(-1)).toBe(2));
      expect(recorder.entries).toContain('gap');
    });

    it('leaves a server that has become a replica, which keeps for itself what is published', async () => {
      const driver = await connect();
      const { recorder } = await record(driver, 'a');
      await server.command('REPLICAOF', '127.0.0.1', '1');
      await until(driver, 'reconnecting');
      const meanwhile = new Recorder();
      const { ready } = driver.subscribe('b', meanwhile);
      const stood = vi.fn();
      void ready.then(stood);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(stood).not.toHaveBeenCalled();
      await server.command('REPLICAOF', 'NO', 'ONE');
      await ready;
      await until(driver, 'connected');
      await driver.publish('a', 1, 'global');
      await arrived(recorder, ['gap', 1]);
    });

    it('rejects in time what a paused server does not answer', async () => {
      const driver = await connect({ probeTimeoutMs: 5_000 });
      await server.command('CLIENT', 'PAUSE', '800', 'ALL');
      await expect(driver.publish('a', 1, 'global')).rejects.toThrow(/did not answer in time/);
      await vi.waitFor(() => driver.publish('a', 2, 'global'), { timeout: 5_000 });
      expect(driver.status).toBe('connected');
    });

    it('tells a gap where Redis closes a subscriber that reads too slowly', async () => {
      const proxy = await startProxy();
      const slow = await connect({ probeIntervalMs: 60_000 }, proxy.url);
      const { recorder } = await record(slow, 'a');
      const publisher = await connect({ probeIntervalMs: 60_000, publishTimeoutMs: 5_000 });
      await server.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 1mb 1');
      proxy.hold();
      const text = 'x'.repeat(100_000);
      for (let n = 0; n < 200; n++) await publisher.publish('a', `${n} ${text}`, 'global');
      await vi.waitFor(async () => expect(await server.subscribers()).toHaveLength(1));
      proxy.release();
      await vi.waitFor(() => expect(recorder.entries).toContain('gap'), { timeout: 5_000 });
      await until(slow, 'connected');
      await publisher.publish('a', 'after', 'global');
      await vi.waitFor(() => expect(recorder.entries.at(-1)).toBe('after'));
      const numbers = recorder.messages.slice(0, -1).map((it) => Number.parseInt(String(it), 10));
      expect(numbers).toEqual(numbers.map((_, n) => n));
      expect(numbers.length).toBeLessThan(200);
    });

    it('has no more under way than it may', async () => {
      const proxy = await startProxy();
      const driver = await connect({ maxInFlightMessages: 10 }, proxy.url);
      proxy.hold();
      const results = await Promise.allSettled(
        Array.from({ length: 15 }, (_, n) => driver.publish('a', n, 'global')),
      );
      const reasons = results.map((it) => String((it as PromiseRejectedResult).reason));
      expect(reasons.filter((it) => it.includes('No more than 10 messages and'))).toHaveLength(5);
      expect(reasons.every((it) => it.startsWith('BusUnavailableError'))).toBe(true);
    });
  });
}
