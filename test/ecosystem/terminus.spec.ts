import { Controller, Get, Injectable } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { describe, expect, it, vi } from 'vitest';
import {
  MessageBus,
  type RedisBusOptions,
  StreamingHealthIndicator,
  StreamingMethod,
  StreamingModule,
  type StreamingModuleOptions,
} from '../../lib/index.js';
import { afterTest, startApp, until } from '../nest/app.js';
import { RedisServerProcess } from '../redis/redis-server.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly streaming: StreamingHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.streaming.isHealthy()]);
  }

  @Get('named')
  @HealthCheck()
  named() {
    return this.health.check([async () => this.streaming.isHealthy('live')]);
  }

  @Get('without-bus')
  @HealthCheck()
  withoutBus() {
    return this.health.check([() => this.streaming.isHealthy('live', { needsBus: false })]);
  }
}

const waiting: (() => void)[] = [];

@Injectable()
class WorkService {
  @StreamingMethod()
  async *run() {
    yield 'started';
    await new Promise<void>((resolve) => waiting.push(resolve));
    yield 'done';
  }
}

async function start(options: StreamingModuleOptions = {}) {
  const running = await startApp({
    options,
    imports: [TerminusModule],
    controllers: [HealthController],
    providers: [WorkService],
  });
  const health = async (path = '') => {
    const response = await fetch(`http://127.0.0.1:${running.port}/health${path}`, {
      headers: { connection: 'close' },
    });
    return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
  };
  return { ...running, health };
}

describe('StreamingHealthIndicator', () => {
  it('is up, with what runs, under the name it is given', async () => {
    const { connect, health } = await start();
    expect(await health()).toMatchObject({
      status: 'ok',
      details: { streaming: { status: 'up', connections: 0, calls: 0 } },
    });
    const items = connect<{ work: WorkService }>().work.run()[Symbol.asyncIterator]();
    await items.next();
    expect(await health('/named')).toMatchObject({
      details: { live: { status: 'up', connections: 1, calls: 1 } },
    });
    waiting.pop()?.();
    await items.return?.();
  });

  it('is down while calls drain, and the health check still answers', async () => {
    const { app, server, connect, health } = await start();
    const items = connect<{ work: WorkService }>().work.run()[Symbol.asyncIterator]();
    await items.next();
    const closing = app.close();
    await until(() => !server.isOpen);
    expect(await health()).toMatchObject({
      status: 'error',
      error: { streaming: { status: 'down', connections: 1, calls: 1 } },
    });
    waiting.pop()?.();
    expect((await items.next()).value).toBe('done');
    await items.next();
    await closing;
    expect(await app.get(StreamingHealthIndicator).isHealthy()).toMatchObject({
      streaming: { status: 'down', connections: 0, calls: 0, bus: { status: 'closed' } },
    });
  });

  it('tells what the message bus has counted', async () => {
    const { app, health } = await start();
    const bus = app.get(MessageBus);
    const slow = bus.subscribe('a', { capacity: 1, overflow: 'dropOldest' });
    for (let n = 0; n < 3; n += 1) await bus.publish('a', n);
    slow.cancel();
    expect(await health()).toHaveProperty('details.streaming.bus', {
      status: 'connected',
      published: 3,
      failed: 0,
      delivered: 3,
      dropped: 2,
      gaps: 0,
      bad: 0,
    });
  });

  it('is down before the start', async () => {
    const module = await Test.createTestingModule({ imports: [StreamingModule] }).compile();
    const indicator = module.get(StreamingHealthIndicator);
    expect(await indicator.isHealthy()).toMatchObject({ streaming: { status: 'down' } });
    await module.init();
    expect(await indicator.isHealthy()).toMatchObject({ streaming: { status: 'up' } });
    await module.close();
  });
});

describe('StreamingHealthIndicator with Redis', () => {
  const UP = { status: 'connected', probeMs: expect.any(Number) };
  const AWAY = { status: 'reconnecting' };
  const COUNTED = { published: 0, failed: 0, delivered: 0, dropped: 0, gaps: 0, bad: 0 };

  async function startWithRedis(bus: RedisBusOptions = {}) {
    const redis = await RedisServerProcess.start();
    afterTest(() => redis.stop());
    const quick = { probeIntervalMs: 50, probeTimeoutMs: 300, reconnectDelayMs: 50 };
    return { redis, ...(await start({ redis: redis.url, bus: { ...quick, ...bus } })) };
  }

  async function untilTold(health: () => Promise<object>, told: object): Promise<void> {
    await vi.waitFor(async () => expect(await health()).toMatchObject(told), { timeout: 5_000 });
  }

  it('is down while Redis is gone, and up when it is back', async () => {
    const { redis, health } = await startWithRedis();
    expect(await health()).toMatchObject({
      status: 'ok',
      details: { streaming: { status: 'up', bus: UP } },
    });
    await redis.kill();
    await untilTold(health, { error: { streaming: { status: 'down', bus: AWAY } } });
    expect(await health()).toMatchObject({ status: 'error', details: { streaming: { calls: 0 } } });
    expect(await health()).toHaveProperty('error.streaming.bus', { ...AWAY, ...COUNTED });
    await redis.restart();
    await untilTold(health, { status: 'ok', details: { streaming: { status: 'up', bus: UP } } });
  });

  it('is down while Redis is there and does not answer', async () => {
    const { redis, health } = await startWithRedis();
    redis.freeze();
    await untilTold(health, { error: { streaming: { status: 'down', bus: AWAY } } });
    redis.thaw();
    await untilTold(health, { details: { streaming: { status: 'up', bus: UP } } });
  });

  it('stays up without Redis where it is asked to, and tells of it', async () => {
    const { redis, health } = await startWithRedis();
    await redis.kill();
    await untilTold(health, { status: 'error' });
    expect(await health('/without-bus')).toMatchObject({
      status: 'ok',
      details: { live: { status: 'up', bus: AWAY } },
    });
  });

  it('stays up without Redis where messages go to the own process meanwhile', async () => {
    const { redis, health } = await startWithRedis({ onUnavailable: 'local' });
    await redis.kill();
    await untilTold(health, { status: 'ok', details: { streaming: { status: 'up', bus: AWAY } } });
  });
});
