import { Controller, Get, Injectable } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { StreamingHealthIndicator, StreamingMethod, StreamingModule } from '../../lib/index.js';
import { startApp, until } from '../nest/app.js';

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

async function start() {
  const running = await startApp({
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
    expect(await app.get(StreamingHealthIndicator).isHealthy()).toEqual({
      streaming: { status: 'down', connections: 0, calls: 0 },
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
