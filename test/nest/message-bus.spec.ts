import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  MessageBus,
  StreamingMethod,
  StreamingModule,
  type StreamingModuleOptions,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { RedisServerProcess } from '../redis/redis-server.js';
import { collect, startApp, until } from './app.js';
import { OrderLog, orders } from './bus-app.js';

const PROGRAM = fileURLToPath(new URL('./bus-app.mjs', import.meta.url));
const runProgram = promisify(execFile);

let server: RedisServerProcess;

beforeAll(async () => {
  server = await RedisServerProcess.start();
});

afterAll(() => server.stop());

const told: string[] = [];

/** Is destroyed before or after others, as its module is imported. */
@Injectable()
class Witness implements OnModuleDestroy, BeforeApplicationShutdown {
  constructor(private readonly bus: MessageBus) {
    bus.addListener('closing', (count) => told.push(`listener: ${String(count)}`));
  }

  async onModuleDestroy(): Promise<void> {
    told.push(`destroyed, ${this.bus.subscriberCount()} subscribers`);
    await this.bus.publish('closing', 0);
    told.push('published');
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.bus.publish('closing', 0);
    told.push('published again');
  }
}

@Module({ providers: [Witness] })
class WitnessModule {}

@Injectable()
class CallService {
  constructor(private readonly bus: MessageBus) {}

  /** Ends when the service it depends on has answered. */
  @StreamingMethod()
  async *ask(@StreamSession() session: StreamingSession) {
    const answers = session.messages.subscribe<number>('answer');
    yield 'asking';
    await new Promise((resolve) => setTimeout(resolve, 30));
    await this.bus.publish('question', 1);
    for await (const answer of answers) {
      yield answer;
      return;
    }
  }
}

@Injectable()
class AnswerService {
  constructor(bus: MessageBus) {
    bus.addListener<number>('question', (n) => bus.publish('answer', n + 1));
  }
}

/** Its test closes it, once: closed again, Nest would destroy all providers again, without a bus. */
async function startContext(
  { imports = [], ...metadata }: ModuleMetadata,
  options: StreamingModuleOptions = {},
): Promise<TestingModule> {
  const all = [StreamingModule.forRoot(options), ...imports];
  const app = await Test.createTestingModule({ ...metadata, imports: all }).compile();
  return app.init();
}

describe('MessageBus in a service without streams', () => {
  it('carries messages between services', async () => {
    const { app } = await startApp({ providers: [OrderLog] });
    const log = app.get(OrderLog);
    for (let n = 1; n <= 3; n += 1) await log.bus.publish(orders, n);
    await until(() => log.seen.length === 3);
    expect([log.seen, log.heard]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('ends loops and listeners when the application closes, before other providers are destroyed', async () => {
    told.length = 0;
    const app = await startContext({ providers: [OrderLog], imports: [WitnessModule] });
    const log = app.get(OrderLog);
    await log.bus.publish(orders, 1);
    await until(() => log.seen.length === 1);
    await app.close();
    expect(told).toEqual(['destroyed, 0 subscribers', 'published', 'published again']);
    expect([log.bus.subscriberCount(), log.bus.status]).toEqual([0, 'closed']);
  });

  it('carries what providers publish while they are destroyed to the other servers', async () => {
    const redis = { redis: server.url };
    const here = await startContext({ imports: [WitnessModule] }, redis);
    const there = await startContext({}, redis);
    const closing = there.get(MessageBus).subscribe('closing');
    await closing.ready;
    await here.close();
    expect([(await closing.next()).value, (await closing.next()).value]).toEqual([0, 0]);
    await there.close();
  });

  it('gives a loop what is queued before it ends', async () => {
    const { app } = await startApp({});
    const bus = app.get(MessageBus);
    const subscription = bus.subscribe('a');
    await bus.publish('a', 1);
    await app.close();
    expect(await collect(subscription)).toEqual([1]);
  });

  it('gives a provider that subscribes while it is destroyed what is over', async () => {
    const { app } = await startApp({});
    const bus = app.get(MessageBus);
    bus.endSubscriptions();
    expect(await collect(bus.subscribe('a'))).toEqual([]);
    await expect(bus.publish('a', 1)).resolves.toBeUndefined();
  });

  it('stays while calls drain, whose handlers may need an answer', async () => {
    const { app, connect } = await startApp({ providers: [CallService, AnswerService] });
    const output = connect<{ call: CallService }>().call.ask();
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of output) items.push(item);
    })();
    await until(() => items.length === 1);
    await app.close();
    await reading;
    expect(items).toEqual(['asking', 2]);
  });

  it.each(['the process', 'Redis'])(
    'lets the process end when it has used a bus over %s',
    async (over) => {
      const args = over === 'Redis' ? [PROGRAM, server.url] : [PROGRAM];
      const { stdout, stderr } = await runProgram(process.execPath, args, { timeout: 20_000 });
      expect([stdout, stderr]).toEqual(['seen 1,2,3, status closed\n', '']);
    },
  );
});
