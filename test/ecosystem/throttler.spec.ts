import { Controller, Get, Injectable } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SkipThrottle, Throttle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingSession } from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { afterTest, collect, failure, startApp } from '../nest/app.js';

const MINUTE = 60_000;

@Controller('quotes')
class QuotesController {
  @StreamingMethod()
  async *list(count: number) {
    for (let i = 0; i < count; i++) yield i;
  }

  @Throttle({ default: { limit: 1, ttl: MINUTE } })
  @StreamingMethod()
  dear(): string {
    return 'dear';
  }

  @SkipThrottle()
  @StreamingMethod()
  free(): string {
    return 'free';
  }

  @Get()
  http(): string {
    return 'http';
  }
}

/** Counts by user where there is one, and by address otherwise. */
@Injectable()
class UserThrottlerGuard extends ThrottlerGuard {
  protected override async getTracker(request: StreamingSession): Promise<string> {
    const user = request.headers['x-user'];
    return user === undefined ? String(request.ip) : `user ${user}`;
  }
}

function start(guard: typeof ThrottlerGuard = ThrottlerGuard) {
  return startApp({
    imports: [ThrottlerModule.forRoot([{ limit: 3, ttl: MINUTE }])],
    controllers: [QuotesController],
    providers: [{ provide: APP_GUARD, useClass: guard }],
  });
}

type Running = Awaited<ReturnType<typeof start>>;
type Client = { quotes: QuotesController };

/** A client that comes from another address, or shows a user. */
function clientOf({ app }: Running, remoteAddress: string, user?: string) {
  const headers = user === undefined ? {} : { 'x-user': user };
  const client = createTestingClient<Client>(app, { remoteAddress, headers });
  afterTest(() => client.close());
  return client.quotes;
}

describe('ThrottlerGuard, unmodified', () => {
  it('refuses calls past the limit, whatever their items', async () => {
    const { connect } = await start();
    const { quotes } = connect<Client>();
    for (let i = 0; i < 3; i++) expect(await collect(quotes.list(50))).toHaveLength(50);
    expect(await failure(quotes.list(1))).toMatchObject({
      code: 'resource-exhausted',
      message: 'ThrottlerException: Too Many Requests',
    });
  });

  it('counts all connections of an address together, and each address apart', async () => {
    const running = await start();
    for (let i = 0; i < 3; i++) await collect(running.connect<Client>().quotes.list(1));
    expect(await failure(running.connect<Client>().quotes.list(1))).toMatchObject({
      code: 'resource-exhausted',
    });
    expect(await collect(clientOf(running, '10.0.0.7').list(1))).toEqual([0]);
  });

  it('obeys @Throttle() and @SkipThrottle()', async () => {
    const { connect } = await start();
    const { quotes } = connect<Client>();
    expect(await quotes.dear()).toBe('dear');
    expect(await failure(quotes.dear())).toMatchObject({ code: 'resource-exhausted' });
    for (let i = 0; i < 5; i++) expect(await quotes.free()).toBe('free');
  });

  it('still guards HTTP routes, with its headers', async () => {
    const { connect, port } = await start();
    await collect(connect<Client>().quotes.list(1));
    const response = await fetch(`http://127.0.0.1:${port}/quotes`, {
      headers: { connection: 'close' },
    });
    expect(await response.text()).toBe('http');
    expect(response.headers.get('x-ratelimit-remaining')).toBe('2');
  });
});

describe('ThrottlerGuard with a getTracker() of your own', () => {
  it('counts by what that says', async () => {
    const running = await start(UserThrottlerGuard);
    const [ann, bob] = [clientOf(running, '10.0.0.7', 'ann'), clientOf(running, '10.0.0.7', 'bob')];
    for (let i = 0; i < 3; i++) await collect(ann.list(1));
    const annElsewhere = clientOf(running, '10.0.0.8', 'ann');
    expect(await failure(annElsewhere.list(1))).toMatchObject({ code: 'resource-exhausted' });
    expect(await collect(bob.list(1))).toEqual([0]);
  });
});
