import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BusUnavailableError } from '../../lib/bus/bus-error.js';
import type { ClusterLogOptions } from '../../lib/bus/cluster-log.js';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import type { RedisConfig } from '../../lib/bus/redis/redis-options.js';
import { NotedLog } from '../../lib/bus/spec/cluster-log.contract.js';
import { connectDriver, type TestDriverOptions } from './driver.js';
import { RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const QUICK = {
  probeIntervalMs: 100,
  probeTimeoutMs: 300,
  publishTimeoutMs: 400,
  reconnectDelayMs: 100,
} as const;
const WAIT = { timeout: 10_000, interval: 5 };
const KEY = 'nestjs-streaming:log:{log}';

let server: RedisServerProcess;
const drivers: RedisDriver[] = [];
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  for (const proxy of proxies.splice(0)) await proxy.stop();
  await server.command('FLUSHALL');
});

async function connect(
  redis: RedisConfig = server.url,
  options: TestDriverOptions = {},
): Promise<RedisDriver> {
  const driver = await connectDriver(redis, { ...QUICK, ...options });
  drivers.push(driver);
  return driver;
}

async function open(driver: RedisDriver, options: Partial<ClusterLogOptions> = {}) {
  const noted = new NotedLog(driver, options);
  await noted.log.ready;
  return noted;
}

async function startProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  proxies.push(proxy);
  return proxy;
}

describe('A cluster log at Redis', () => {
  it('is not ready before Redis is there', async () => {
    const driver = await connect();
    await server.kill();
    await vi.waitFor(() => expect(driver.status).toBe('reconnecting'), WAIT);
    const noted = new NotedLog(driver);
    let isReady = false;
    void noted.log.ready.then(() => {
      isReady = true;
    });
    await expect(noted.log.append('a')).rejects.toThrow(BusUnavailableError);
    expect([isReady, noted.log.isCurrent]).toEqual([false, false]);
    await server.restart();
    await noted.log.ready;
    expect([noted.log.isCurrent, noted.events, noted.entries]).toEqual([true, [], []]);
  });

  it.each([
    ['INFO, by which it sees that Redis is another', '-info'],
    ['the channel of its changes', 'resetchannels', '&*probe*'],
    ['scripts', '-evalsha'],
  ])('is never ready for a user who may not use %s, and says so', async (_, ...rules) => {
    await server.command('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '&*', '+@all', ...rules);
    const user = { port: server.port, username: 'u', password: 'p', enableReadyCheck: false };
    const driver = await connect(user);
    const noted = new NotedLog(driver);
    await expect(noted.log.ready).rejects.toThrow(/Redis refuses the cluster log: /);
    await expect(noted.log.append('a')).rejects.toThrow(BusUnavailableError);
    expect(noted.log.isCurrent).toBe(false);
    await server.command('ACL', 'DELUSER', 'u');
  });

  it('tells nobody what an entry says when Redis refuses it', async () => {
    const { log } = await open(await connect());
    await log.append('a');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    const error = await log.append('secret').catch((reason: unknown) => reason);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(error).toBeInstanceOf(BusUnavailableError);
    expect((error as Error).message).toMatch(/OOM/);
    expect(JSON.stringify([error, (error as Error).cause, (error as Error).stack])).not.toContain(
      'secret',
    );
  });

  it('is lost while a primary without replicas takes no writes, where that is asked for', async () => {
    const { log, events } = await open(await connect());
    await log.append('a');
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await expect(log.append('b')).rejects.toThrow(/NOREPLICAS/);
    await vi.waitFor(() => expect([events, log.isCurrent]).toEqual([['lost'], false]), WAIT);
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await vi.waitFor(() => expect(events).toEqual(['lost', 'regained']), WAIT);
    await log.append('c');
  });

  it('is not whole where an entry was too old to be kept when its server came back', async () => {
    const short = { leaseMs: 300, retentionMs: 300 };
    const one = await open(await connect(), short);
    const proxy = await startProxy();
    const two = await open(await connect(proxy.url), short);
    await one.log.append('a');
    proxy.hold();
    await one.log.append('b');
    await vi.waitFor(async () => {
      expect(await server.command('ZCARD', `${KEY}:entries`)).toBe(':0');
    }, WAIT);
    proxy.release();
    await vi.waitFor(() => expect(two.events).toEqual(['lost', 'regained in part']), WAIT);
    expect(two.entries).toEqual(['a']);
  });

  it('skips what is no entry, and tells of it', async () => {
    const problems: string[] = [];
    const hooks = {
      badMessage: (channel: string, problem: string) => problems.push(`${channel}: ${problem}`),
    };
    const one = await open(await connect(server.url, { hooks }));
    await one.log.append('a');
    // As a script of another version would.
    await server.command(
      'EVAL',
      `redis.call('ZADD', KEYS[2], 2, '9999999999999rubbish') redis.call('HSET', KEYS[1], 'seq', 2, 'entries', 2)
      redis.call('PUBLISH', KEYS[1], 'rubbish')`,
      '2',
      KEY,
      `${KEY}:entries`,
    );
    await one.log.append('b');
    expect([one.entries, one.events]).toEqual([['a', 'b'], []]);
    expect(problems).toEqual(['log "log": something that is no entry']);
  });

  it('tells of an entry that can not be applied', async () => {
    const problems: string[] = [];
    const hooks = { badMessage: (_: string, problem: string) => problems.push(problem) };
    const one = await open(await connect(server.url, { hooks }));
    one.onApply = () => {
      throw new TypeError('no entry of mine');
    };
    await one.log.append('a');
    expect(problems).toEqual(['an entry that can not be applied: TypeError: no entry of mine']);
    await vi.waitFor(() => expect(one.events).toEqual(['lost', 'regained in part']), WAIT);
  });

  it('is over its lease while an entry takes too long to be applied, and nobody waits longer', async () => {
    const one = await open(await connect());
    const two = await open(await connect());
    await one.log.append('a');
    let finish = () => {};
    two.onApply = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    await one.log.append('b');
    expect([two.log.isCurrent, two.events]).toEqual([false, ['lost']]);
    finish();
    await vi.waitFor(() => expect(two.events).toEqual(['lost', 'regained']), WAIT);
  });

  it('comes back when Redis has forgotten its scripts', async () => {
    const one = await open(await connect());
    await one.log.append('a');
    await server.command('SCRIPT', 'FLUSH');
    await vi.waitFor(() => one.log.append('b'), WAIT);
    expect([one.entries.at(-1), one.events]).toEqual(['b', []]);
  });

  it('counts the longest lease there is where leases differ', async () => {
    const proxy = await startProxy();
    const one = await open(await connect(), { leaseMs: 200 });
    await one.log.append('a');
    const two = await open(await connect(proxy.url), { leaseMs: 1_500 });
    await one.log.append('b');
    proxy.hold();
    await one.log.append('c');
    expect([two.entries, two.log.isCurrent]).toEqual([['a', 'b'], false]);
  });

  it('gives thousands of kept entries to one that joins, page by page', async () => {
    const one = await open(await connect());
    const entries = Array.from({ length: 2_500 }, (_, n) => String(n));
    await Promise.all(entries.map((entry) => one.log.append(entry)));
    const two = await open(await connect());
    expect(two.entries).toEqual(entries);
  });

  it('leaves nothing that beats when it is closed', async () => {
    const driver = await connect();
    const { log } = await open(driver, { leaseMs: 200 });
    await log.close();
    expect(await server.command('ZCARD', `${KEY}:members`)).toBe(':0');
    const beats = await server.command('HGET', KEY, 'beats');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await server.command('HGET', KEY, 'beats')).toBe(beats);
  });

  it('lets its keys go when nobody is there any more', async () => {
    const driver = await connect();
    const { log } = await open(driver, { leaseMs: 200, retentionMs: 200 });
    await log.append('a');
    await log.close();
    await vi.waitFor(async () => expect(await server.command('KEYS', '*log*')).toBe('*0'), WAIT);
  });
});
