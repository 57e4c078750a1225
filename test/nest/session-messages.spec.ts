import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Controller, Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { MessageBus, StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { failure, type RunningApp, startApp, until } from './app.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What belonged to sessions that are over, and must not be kept. */
const left: WeakRef<object>[] = [];

@Injectable()
class Heard {
  readonly messages: unknown[] = [];
}

@Controller()
class NewsController {
  constructor(private readonly heard: Heard) {}

  @StreamingMethod()
  async *read(@StreamSession() session: StreamingSession) {
    const { messages } = session;
    const listener = (message: unknown) => this.heard.messages.push(message);
    messages.addListener('news', listener);
    const news = messages.subscribe<string>('news');
    left.push(...[session, messages, listener, news].map((it) => new WeakRef(it as object)));
    for await (const text of news) {
      if (text === 'end') return;
      if (text === 'fail') throw new Error('failed');
      yield text;
    }
  }

  /** It leaves what it began. */
  @StreamingMethod()
  async first(@StreamSession() { messages }: StreamingSession): Promise<string | undefined> {
    messages.addListener('news', (message) => this.heard.messages.push(message));
    const { value } = await messages.subscribe<string>('news').next();
    return value;
  }
}

type Client = ReturnType<typeof connect>;

function connect({ connect }: RunningApp) {
  return connect<{ news: NewsController }>();
}

function start(): Promise<RunningApp> {
  return startApp({ controllers: [NewsController], providers: [Heard] });
}

/** A call that has got its first message, so that its handler is in its loop. */
async function reading(bus: MessageBus, client: Client) {
  const items = client.news.read()[Symbol.asyncIterator]();
  const first = items.next();
  await until(() => bus.subscriberCount('news') === 2);
  await bus.publish('news', 'first');
  expect((await first).value).toBe('first');
  return items;
}

type Items = Awaited<ReturnType<typeof reading>>;

const ENDINGS: [string, (items: Items, bus: MessageBus, client: Client) => Promise<unknown>][] = [
  ['by its end', (_, bus) => bus.publish('news', 'end')],
  ['by an error', (_, bus) => bus.publish('news', 'fail')],
  ['by being cancelled', async (items) => items.return?.()],
  ['with its connection', (_items, _bus, client) => client.close()],
];

describe("A session's subscriptions and listeners", () => {
  it.each(ENDINGS)('end with it %s, and the bus keeps nothing of it', async (_, end) => {
    left.length = 0;
    const running = await start();
    const bus = running.app.get(MessageBus);
    const { messages } = running.app.get(Heard);
    await (async () => {
      const client = connect(running);
      const items = await reading(bus, client);
      const last = items.next().catch(() => undefined);
      await end(items, bus, client);
      await last;
    })();
    await until(() => bus.subscriberCount() === 0 && running.server.callCount === 0);
    const heard = messages.length;
    await bus.publish('news', 'afterwards');
    expect(messages).toHaveLength(heard);
    await until(() => {
      collectGarbage();
      return left.every((ref) => ref.deref() === undefined);
    });
    expect(left).toHaveLength(4);
  });

  it('end with a promise method that has left them open', async () => {
    const running = await start();
    const bus = running.app.get(MessageBus);
    const first = connect(running).news.first();
    await until(() => bus.subscriberCount('news') === 2);
    await bus.publish('news', 'first');
    expect(await first).toBe('first');
    await until(() => bus.subscriberCount() === 0);
  });
});

describe('scope', () => {
  it("'global' without Redis is an error that says what to configure", async () => {
    const { app } = await start();
    const publishing = app.get(MessageBus).publish('news', 1, { scope: 'global' });
    expect((await failure(publishing)).message).toMatch("set StreamingModule's option redis");
  });
});
