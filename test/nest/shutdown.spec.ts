import type { Server as HttpServer } from 'node:http';
import {
  Controller,
  type INestApplication,
  Injectable,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { createStreamingClient } from '../../lib/client/index.js';
import type { StreamingClient } from '../../lib/client/types.js';
import {
  defineChannel,
  MessageBus,
  StreamingMethod,
  StreamingModule,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { BusLog } from '../../lib/nest/bus-log.js';
import { failure, startApp, until } from './app.js';

@Injectable()
class Database implements OnModuleDestroy {
  isOpen = true;

  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

const events: string[] = [];

@Injectable()
class WorkService {
  constructor(private readonly database: Database) {}

  /** Ends soon after it was told to. */
  @StreamingMethod()
  async *polite(@StreamSession() session: StreamingSession) {
    try {
      yield 'started';
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    } finally {
      events.push(`cleaned up, database ${this.database.isOpen ? 'open' : 'closed'}`);
    }
  }

  /** Ends by itself, in a while. */
  @StreamingMethod()
  async *brief() {
    yield 'started';
    await new Promise((resolve) => setTimeout(resolve, 50));
    yield `done, database ${this.database.isOpen ? 'open' : 'closed'}`;
  }

  @StreamingMethod()
  async *deaf() {
    yield 'started';
    await new Promise(() => undefined);
  }

  @StreamingMethod()
  async *subscribed(@StreamSession() session: StreamingSession) {
    yield 'started';
    yield* session.messages.subscribe('channel');
  }
}

const metadata = { providers: [Database, WorkService] };

/** Reads a stream to its end in the background. */
function read(stream: AsyncIterable<unknown>) {
  const items: unknown[] = [];
  const ended = (async () => {
    for await (const item of stream) items.push(item);
  })();
  ended.catch(() => undefined);
  return { items, ended };
}

@Controller()
class EndlessController {
  @StreamingMethod()
  async *ticks() {
    for (let i = 0; ; i++) {
      yield i;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('closing the application', () => {
  it('lets calls that run end, while their providers are still there', async () => {
    const { app, connect } = await startApp(metadata);
    const { items, ended } = read(connect<{ work: WorkService }>().work.brief());
    await until(() => items.length > 0);
    await app.close();
    await ended;
    expect(items).toEqual(['started', 'done, database open']);
    expect(app.get(Database).isOpen).toBe(false);
  });

  it('ends the others when the drain time is over; their clients are told', async () => {
    const { app, server, connect } = await startApp({ ...metadata, options: { drainMs: 30 } });
    events.length = 0;
    const client = connect<{ work: WorkService }>();
    const calls = [read(client.work.polite()), read(client.work.subscribed())];
    await until(() => calls.every(({ items }) => items.length > 0));
    const start = Date.now();
    await app.close();
    expect(Date.now() - start).toBeLessThan(1_000);
    for (const { ended } of calls) {
      expect(await failure(ended)).toMatchObject({
        code: 'connection-lost',
        message: expect.stringContaining('1001'),
      });
    }
    expect(events).toEqual(['cleaned up, database open']);
    expect(server.callCount).toBe(0);
    expect(app.get(MessageBus).subscriberCount()).toBe(0);
  });

  it('does not wait for ever for a handler that does not listen', async () => {
    const { app, connect } = await startApp({ ...metadata, options: { drainMs: 30 } });
    const { items } = read(connect<{ work: WorkService }>().work.deaf());
    await until(() => items.length > 0);
    await app.close();
  });

  it('says in the log how many calls it waited for, and how many were cut off', async () => {
    const { app, log, connect } = await startApp({
      controllers: [EndlessController],
      options: { drainMs: 20 },
    });
    const output = connect<{ endless: EndlessController }>().endless.ticks();
    await output[Symbol.asyncIterator]().next();
    await app.close();
    expect(log.find('log', '1 call ')).toEqual([
      'log 1 call is running: it has 20 ms to end',
      'log 1 call was cut off',
    ]);
  });

  it('tells before it is done where messages may be lost, however little time has passed', async () => {
    const { app, log } = await startApp({});
    const bus = app.get(MessageBus);
    for (const [i, name] of ['one', 'two'].entries()) {
      const channel = defineChannel(name, { history: { size: 1, ttlMs: 1_000 } });
      bus.subscribe(channel, { since: 'long gone' });
      await until(() => app.get(BusLog, { strict: false }).counters.gaps === i + 1);
      if (i === 0) await until(() => log.find('warn', 'may be lost').length === 1);
    }
    await app.close();
    expect(log.find('warn', 'may be lost')).toEqual([
      expect.stringContaining('Messages of the channel "one" may be lost: the history'),
      expect.stringContaining('Messages of the channel "two" may be lost: the history'),
    ]);
  });

  it('refuses new calls while it drains', async () => {
    const { app, connect } = await startApp(metadata);
    const client = connect<{ work: WorkService }>();
    const { items, ended } = read(client.work.brief());
    await until(() => items.length > 0);
    const closing = app.close();
    const refused = await failure(client.work.brief());
    expect(['unavailable', 'connection-lost', 'connect-failed']).toContain(refused.code);
    await closing;
    await ended;
  });

  it('may be done twice, and leaves no listener', async () => {
    const { app, connect } = await startApp(metadata);
    const http = app.getHttpServer();
    const { items } = read(connect<{ work: WorkService }>().work.brief());
    await until(() => items.length > 0);
    expect(Object.hasOwn(http, 'emit')).toBe(true);
    await Promise.all([app.close(), app.close()]);
    expect(Object.hasOwn(http, 'emit')).toBe(false);
    expect(http.listenerCount('upgrade')).toBe(0);
    await app.close();
  });

  it('warns at the first connection when nothing waits for signals', async () => {
    const { log, connect } = await startApp(metadata);
    const listeners = process.listeners('SIGTERM');
    process.removeAllListeners('SIGTERM');
    for (let i = 0; i < 2; i += 1) {
      const { items } = read(connect<{ work: WorkService }>().work.brief());
      await until(() => items.length > 0);
    }
    for (const listener of listeners) process.on('SIGTERM', listener);
    expect(log.find('warn', 'enableShutdownHooks')).toHaveLength(1);
  });

  it('does not warn when shutdown hooks are enabled', async () => {
    const { log, connect } = await startApp({
      ...metadata,
      configure: (app) => void app.enableShutdownHooks(['SIGTERM']),
    });
    const { items } = read(connect<{ work: WorkService }>().work.brief());
    await until(() => items.length > 0);
    expect(log.find('warn', 'enableShutdownHooks')).toEqual([]);
  });
});

describe('starting and closing again and again', () => {
  /** What lives in this process, but for what the test's runner needs. */
  function traces() {
    const resources = process.getActiveResourcesInfo();
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'].map((it) => process.listenerCount(it));
    return {
      sockets: resources.filter((it) => it.startsWith('TCP')).length,
      timers: resources.filter((it) => it === 'Timeout').length,
      listeners: signals.reduce((sum, it) => sum + it, 0),
    };
  }

  /** Runs it some times, and waits until there is no more than there was before. */
  async function repeat(run: (turn: number) => Promise<void>): Promise<void> {
    const { sockets, timers, listeners } = traces();
    for (let i = 0; i < 8; i += 1) await run(i);
    await until(() => traces().sockets <= sockets && traces().timers <= timers);
    expect(traces().listeners).toBe(listeners);
  }

  /** One whole life: a call that ends, one that is cut off, one whose client has gone. */
  async function live(): Promise<HttpServer> {
    const module = await Test.createTestingModule({
      imports: [StreamingModule.forRoot({ drainMs: 5 })],
      ...metadata,
    }).compile();
    const app = module.createNestApplication<INestApplication<HttpServer>>({ logger: false });
    app.enableShutdownHooks();
    await app.listen(0, '127.0.0.1');
    const http = app.getHttpServer();
    const url = `ws://127.0.0.1:${(http.address() as { port: number }).port}/streaming`;
    const [one, other] = [url, url].map((it) =>
      createStreamingClient<{ work: WorkService }>({ url: it }),
    ) as [StreamingClient<{ work: WorkService }>, StreamingClient<{ work: WorkService }>];
    const calls = [read(one.work.subscribed()), read(one.work.polite()), read(other.work.brief())];
    await until(() => calls.every(({ items }) => items.length > 0));
    await other.close();
    await app.close();
    await one.close();
    return http;
  }

  it('leaves no timer, no socket and no listener', async () => {
    await repeat(async () => {
      const http = await live();
      expect(Object.hasOwn(http, 'emit')).toBe(false);
      expect(http.listenerCount('upgrade')).toBe(0);
    });
  });

  it('leaves nothing of an application that only was initialized', async () => {
    await repeat(async (turn) => {
      const imports = [StreamingModule.forRoot(turn === 0 ? {} : { port: 0 })];
      const module = await Test.createTestingModule({ imports, ...metadata }).compile();
      const app = module.createNestApplication({ logger: false });
      await app.init();
      await app.init();
      await app.close();
      expect(app.getHttpServer().listenerCount('upgrade')).toBe(0);
    });
  });

  it('leaves nothing of an application that did not start', async () => {
    @Injectable()
    class Work extends WorkService {}
    await repeat(async () => {
      const module = await Test.createTestingModule({
        imports: [StreamingModule.forRoot({ port: 0 })],
        providers: [Database, WorkService, Work],
      }).compile();
      const app = module.createNestApplication({ logger: false });
      expect((await failure(app.init())).message).toMatch('Two streaming methods are called');
      await app.close();
      expect(app.getHttpServer().listenerCount('upgrade')).toBe(0);
    });
  });
});
