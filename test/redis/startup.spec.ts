import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { connectDriver } from './driver.js';
import { freePort, RedisServerProcess } from './redis-server.js';

const servers: RedisServerProcess[] = [];
const drivers: RedisDriver[] = [];

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function start(args: readonly string[] = [], port?: number): Promise<RedisServerProcess> {
  const server = await RedisServerProcess.start(args, port);
  servers.push(server);
  return server;
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const reason = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  return String(reason);
}

/** But the one who asks. */
async function noneIsConnected(server: RedisServerProcess): Promise<void> {
  await vi.waitFor(async () =>
    expect(await server.command('INFO', 'clients')).toContain('connected_clients:1\r'),
  );
}

async function connectionsEver(server: RedisServerProcess): Promise<number> {
  const [, count] =
    /total_connections_received:(\d+)/.exec(await server.command('INFO', 'stats')) ?? [];
  return Number(count);
}

describe('RedisDriver at the start', () => {
  it('fails in time when Redis is not there, and names host and port, never the password', async () => {
    const port = await freePort();
    const places = [
      `redis://user:secret@127.0.0.1:${port}/3`,
      { host: '127.0.0.1', port, password: 'secret' },
      { nodes: [{ host: '127.0.0.1', port }], options: { redisOptions: { password: 'secret' } } },
      { nodes: [`redis://user:secret@127.0.0.1:${port}`] },
      { sentinels: [{ host: '127.0.0.1', port }], name: 'main', password: 'secret' },
      () => new Redis(port, '127.0.0.1', { password: 'secret', lazyConnect: true }),
    ];
    for (const place of places) {
      const message = await messageOf(connectDriver(place, { startupTimeoutMs: 200 }));
      expect(message).toContain(`127.0.0.1:${port} could not be reached within 200 ms: `);
      expect(message).toMatch(/ECONNREFUSED|Connection is closed|Failed to refresh/);
      expect(message).not.toContain('secret');
    }
  });

  it('tells that the password is wrong', async () => {
    const { port } = await start(['--requirepass', 'right']);
    const message = await messageOf(
      connectDriver(`redis://:wrong@127.0.0.1:${port}`, { startupTimeoutMs: 300 }),
    );
    expect(message).toMatch(/WRONGPASS/);
    expect(message).not.toContain(':wrong');
  });

  it('fails when the server is a replica, which no other server would hear', async () => {
    const { url } = await start(['--replicaof', '127.0.0.1 1']);
    const message = await messageOf(connectDriver(url, { startupTimeoutMs: 300 }));
    expect(message).toContain('the server is a replica');
  });

  it('waits for Redis where it is told to, and says so', async () => {
    const port = await freePort();
    const statusChanged = vi.fn();
    const connecting = connectDriver(`redis://127.0.0.1:${port}`, {
      startup: 'wait',
      startupTimeoutMs: 10,
      hooks: { statusChanged },
    });
    await vi.waitFor(() =>
      expect(statusChanged.mock.calls).toEqual([
        ['reconnecting', expect.stringContaining('ECONNREFUSED')],
      ]),
    );
    await start([], port);
    await expect(connecting).resolves.toBeDefined();
    const driver = await connecting;
    drivers.push(driver);
    expect(driver.status).toBe('connected');
    expect(statusChanged).toHaveBeenLastCalledWith('connected', '');
  });

  it('takes connections of a factory, made anew for each, and closes them', async () => {
    const server = await start();
    const made: [string, Redis][] = [];
    const driver = await connectDriver((role) => {
      const redis = new Redis(server.url);
      made.push([role, redis]);
      return redis;
    });
    drivers.push(driver);
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await vi.waitFor(() => expect(made).toHaveLength(3));
    await vi.waitFor(() => expect(driver.status).toBe('connected'));
    await driver.close();
    expect(made.map(([role]) => role)).toEqual(['publish', 'subscribe', 'subscribe']);
    await noneIsConnected(server);
  });

  it('fails with what a factory has thrown, or made wrongly', async () => {
    const { url } = await start();
    const throwing = () => {
      throw new Error('no such place');
    };
    expect(await messageOf(connectDriver(throwing))).toBe('Error: no such place');
    const prefixed = () => new Redis(url, { keyPrefix: 'x:', lazyConnect: true });
    expect(await messageOf(connectDriver(prefixed))).toMatch(/must not set keyPrefix/);
  });

  it('leaves nothing open, whether it has failed or was closed', async () => {
    const server = await start();
    const driver = await connectDriver(server.url);
    await driver.subscribe('a', { message: () => {}, gap: () => {} }).ready;
    void driver.publish('a', 1, 'global');
    await driver.close();
    await driver.close();
    expect(driver.status).toBe('closed');
    const failed = await messageOf(connectDriver(`${server.url}/999`, { startupTimeoutMs: 100 }));
    expect(failed).toContain('DB index is out of range');
    await noneIsConnected(server);
    const before = await connectionsEver(server);
    // Longer than the time between two attempts to connect.
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await connectionsEver(server)).toBe(before + 1);
  });
});
