import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusUnavailableError, MessageBus, Serializable, StreamingModule } from '../../lib/index.js';
import { TestLog } from '../nest/app.js';
import { connectDriver, type TestDriverOptions } from './driver.js';
import { RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

@Serializable('redis-bus.Point')
class Point {
  x = 0;
}

const QUICK = { probeIntervalMs: 50, probeTimeoutMs: 500, publishTimeoutMs: 400 } as const;

let server: RedisServerProcess;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  server = await RedisServerProcess.start();
  cleanups.push(() => server.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(options: TestDriverOptions = {}, url = server.url): Promise<MessageBus> {
  const driver = await connectDriver(url, { ...QUICK, ...options });
  const bus = new MessageBus({ driver });
  cleanups.push(() => bus.close());
  return bus;
}

describe('MessageBus over Redis', () => {
  it('decodes a message once for all who hear it in its process', async () => {
    const [bus, other] = [await connect(), await connect()];
    const [one, two] = [bus.subscribe('a'), bus.subscribe('a')];
    const heard = vi.fn();
    bus.addListener('a', heard);
    await Promise.all([one.ready, two.ready]);
    await other.publish('a', new Point());
    const [first, second] = [(await one.next()).value, (await two.next()).value];
    expect(first).toBeInstanceOf(Point);
    expect(second).toBe(first);
    expect(heard.mock.calls[0]?.[0]).toBe(first);
  });

  it('subscribes each process once, however many hear it there', async () => {
    const buses = [await connect(), await connect(), await connect()];
    const all = buses.flatMap((bus) => [bus.subscribe('a'), bus.subscribe('a')]);
    await Promise.all(all.map(({ ready }) => ready));
    const count = await server.command('PUBSUB', 'NUMSUB', 'nestjs-streaming:bus:a');
    expect(count).toMatch(/:3$/);
  });

  it('lets a slow subscriber follow its overflow, and holds nobody back for it', async () => {
    const [bus, other] = [await connect(), await connect()];
    const slow = bus.subscribe<number>('a', { capacity: 2, overflow: 'dropOldest' });
    const quick: number[] = [];
    bus.addListener<number>('a', (n) => quick.push(n));
    await slow.ready;
    for (let n = 1; n <= 100; n += 1) await other.publish('a', n);
    await vi.waitFor(() => expect(quick).toHaveLength(100));
    expect([(await slow.next()).value, (await slow.next()).value]).toEqual([99, 100]);
    expect(slow.dropped).toBe(98);
  });

  it('has no more bytes under way than it may', async () => {
    const proxy = await TcpProxy.start(server.port);
    cleanups.push(() => proxy.stop());
    const bus = await connect({ maxInFlightBytes: 10_000 }, proxy.url);
    proxy.hold();
    const text = 'x'.repeat(1_000);
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => bus.publish('a', text)),
    );
    const reasons = results.map((it) => (it as PromiseRejectedResult).reason as Error);
    expect(reasons.every((it) => it instanceof BusUnavailableError)).toBe(true);
    const refused = reasons.filter(({ message }) => message.includes('and 10000 bytes'));
    expect(refused.length).toBeGreaterThanOrEqual(40);
    expect(refused.length).toBeLessThan(50);
  });

  it('has room again when what was under way is given up', async () => {
    const proxy = await TcpProxy.start(server.port);
    cleanups.push(() => proxy.stop());
    const bus = await connect({ maxInFlightMessages: 2 }, proxy.url);
    proxy.hold();
    await Promise.allSettled([1, 2, 3].map((n) => bus.publish('a', n)));
    proxy.release();
    await vi.waitFor(() => bus.publish('a', 4), { timeout: 5_000 });
  });
});

@Injectable()
class Starter {
  constructor(readonly bus: MessageBus) {}
}

describe('An application whose Redis is not there at the start', () => {
  it('waits for it where it is told to, and then has its bus', async () => {
    await server.kill();
    const bus = { ...QUICK, startup: 'wait', reconnectDelayMs: 20 } as const;
    const imports = [StreamingModule.forRoot({ redis: server.url, bus })];
    const compiling = Test.createTestingModule({ imports, providers: [Starter] })
      .setLogger(new TestLog())
      .compile();
    const started = vi.fn();
    void compiling.then(started);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(started).not.toHaveBeenCalled();
    await server.restart();
    const app = await (await compiling).init();
    cleanups.push(() => app.close());
    const { bus: injected } = app.get(Starter);
    const subscription = injected.subscribe('a');
    await subscription.ready;
    await injected.publish('a', 1);
    expect((await subscription.next()).value).toBe(1);
  });
});
