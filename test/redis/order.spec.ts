import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { connectDriver, type TestDriverOptions } from './driver.js';
import { type Recorder, record } from './recorder.js';
import { RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 500, publishTimeoutMs: 400 } as const;

let server: RedisServerProcess;
let other: RedisServerProcess;
let proxy: TcpProxy;
const drivers: RedisDriver[] = [];

beforeEach(async () => {
  server = await RedisServerProcess.start();
  other = await RedisServerProcess.start();
  proxy = await TcpProxy.start(server.port);
});

afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  await proxy.stop();
  await server.stop();
  await other.stop();
});

async function connect(url: string, options: TestDriverOptions = {}): Promise<RedisDriver> {
  const driver = await connectDriver(url, { ...QUICK, ...options });
  drivers.push(driver);
  return driver;
}

async function arrived(recorder: Recorder, entries: unknown[]): Promise<void> {
  await vi.waitFor(() => expect(recorder.entries).toEqual(entries), { timeout: 5_000 });
}

/** Publishes once the way leads where it should. */
async function publish(driver: RedisDriver, message: unknown): Promise<void> {
  await vi.waitFor(() => expect(driver.status).toBe('connected'), { timeout: 5_000 });
  await driver.publish('a', message, 'global');
}

describe('What one process publishes', () => {
  it('has a gap for others where it went to another server, though nobody lost a connection here', async () => {
    const [publisher, reader] = [await connect(proxy.url), await connect(server.url)];
    const { recorder } = await record(reader, 'a');
    await publish(publisher, 1);
    proxy.retarget(other.port);
    await vi.waitFor(() => expect(publisher.status).toBe('reconnecting'), { interval: 2 });
    await publish(publisher, 'astray');
    proxy.retarget(server.port);
    await vi.waitFor(() => expect(publisher.status).toBe('reconnecting'), { interval: 2 });
    await publish(publisher, 2);
    await arrived(recorder, [1, 'gap', 2]);
    expect(recorder.reasons).toEqual(['messages of a server were lost on their way']);
  });

  it('does not arrive when its connection was given up and it comes after its successors', async () => {
    const problems: string[] = [];
    const publisher = await connect(proxy.url);
    const reader = await connect(server.url, {
      hooks: { badMessage: (_, problem) => void problems.push(problem) },
    });
    const { recorder } = await record(reader, 'a');
    await publish(publisher, 1);
    proxy.holdOpen();
    await expect(publisher.publish('a', 'late', 'global')).rejects.toThrow();
    await vi.waitFor(() => expect(publisher.status).toBe('reconnecting'), { interval: 2 });
    await publish(publisher, 2);
    await arrived(recorder, [1, 'gap', 2]);
    proxy.release();
    await vi.waitFor(() => expect(problems).toEqual(['messages that come too late']));
    await publish(publisher, 3);
    await arrived(recorder, [1, 'gap', 2, 3]);
  });

  it('has no gap where another process begins, or comes back', async () => {
    const reader = await connect(server.url);
    const { recorder } = await record(reader, 'a');
    for (const n of [1, 2]) {
      const publisher = await connect(server.url);
      await publisher.publish('another', n, 'global');
      await publish(publisher, `${n} a`);
      await publish(publisher, `${n} b`);
      await publisher.close();
    }
    await publish(reader, 'own');
    await arrived(recorder, ['1 a', '1 b', '2 a', '2 b', 'own']);
  });
});
