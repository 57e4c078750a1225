import { Controller, UseInterceptors } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { delay, Observable, range, type Subscriber } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  MessageBus,
  StreamingMethod,
  StreamingModule,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';

let closing: (() => Promise<void>)[] = [];
let subscriber: Subscriber<number>;
let session: StreamingSession;

@Controller()
class SourcesController {
  @StreamingMethod({ overflow: 'latest' })
  latest(@StreamSession() own: StreamingSession): Observable<number> {
    session = own;
    return new Observable((it) => {
      subscriber = it;
    });
  }

  @StreamingMethod()
  tooMuch(): Observable<number> {
    return range(0, 100_000);
  }

  @StreamingMethod({ overflow: 'dropNewest' })
  @UseInterceptors({
    intercept: (_: unknown, next: { handle(): Observable<unknown> }) =>
      next.handle().pipe(delay(0)),
  })
  intercepted(@StreamSession() own: StreamingSession): Observable<number> {
    session = own;
    return range(0, 10_000);
  }

  @StreamingMethod()
  async *messages(@StreamSession() own: StreamingSession) {
    session = own;
    const messages = own.messages.subscribe<number>('n', { overflow: 'dropOldest', capacity: 2 });
    yield 'ready';
    yield* messages;
  }
}

async function start(windowItems = 4) {
  const module = await Test.createTestingModule({
    imports: [StreamingModule.forRoot()],
    controllers: [SourcesController],
  }).compile();
  const app = module.createNestApplication();
  await app.init();
  const client = createTestingClient<{ sources: SourcesController }>(app, {
    limits: { windowItems },
  });
  closing = [() => client.close(), () => app.close()];
  return { app, sources: client.sources };
}

afterEach(async () => {
  for (const close of closing) await close();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('An output that can not be paused', () => {
  it('keeps the newest item for a reader that is behind, and counts the others', async () => {
    const { sources } = await start();
    const output = sources.latest()[Symbol.asyncIterator]();
    const first = output.next();
    await until(() => subscriber !== undefined);
    for (let i = 0; i < 20; i++) subscriber.next(i);
    subscriber.complete();
    const read = [(await first).value];
    for (let it = await output.next(); it.done !== true; it = await output.next())
      read.push(it.value);
    expect(read.at(-1)).toBe(19);
    expect(session.dropped).toBe(20 - read.length);
  });

  it('ends with slow-consumer when its overflow is an error', async () => {
    const { sources } = await start();
    const read: number[] = [];
    await expect(async () => {
      for await (const n of sources.tooMuch()) read.push(n);
    }).rejects.toMatchObject({ code: 'slow-consumer' });
    expect(read).toEqual(Array.from({ length: read.length }, (_, i) => i));
  });

  it('counts what its overflow costs behind an interceptor', async () => {
    const { sources } = await start();
    const read: unknown[] = [];
    for await (const n of sources.intercepted()) read.push(n);
    expect(read.length).toBeLessThan(10_000);
    expect(session.dropped).toBe(10_000 - read.length);
  });

  it("counts what the overflow of the session's subscriptions costs", async () => {
    const { app, sources } = await start();
    const output = sources.messages()[Symbol.asyncIterator]();
    expect((await output.next()).value).toBe('ready');
    await until(() => app.get(MessageBus).subscriberCount('n') === 1);
    for (let i = 0; i < 10; i++) void app.get(MessageBus).publish('n', i);
    const read = [(await output.next()).value, (await output.next()).value];
    await until(() => session.dropped > 0);
    expect(read.length + session.dropped).toBeLessThanOrEqual(10);
    await output.return?.();
  });
});
