import { once } from 'node:events';
import {
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MessageBus, StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { afterTest, failure, type Platform, startApp, until } from '../nest/app.js';

/** Looks at what both kinds of client have: the data. */
@Injectable()
class PoliteGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return !JSON.stringify(context.switchToWs().getData()).includes('rude');
  }
}

/** One class for both: messages of the gateway reach the streams. */
class Chat {
  constructor(private readonly bus: MessageBus) {}

  @UseGuards(PoliteGuard)
  @SubscribeMessage('say')
  async say(@MessageBody() text: string) {
    await this.bus.publish('said', text);
    return { event: 'said', data: text };
  }

  @UseGuards(PoliteGuard)
  @StreamingMethod()
  async *listen(@StreamSession() session: StreamingSession, name: string) {
    for await (const text of session.messages.subscribe<string>('said')) yield `${name}: ${text}`;
  }
}

@WebSocketGateway({ path: '/gateway' })
class WsChatGateway extends Chat {
  constructor(bus: MessageBus) {
    super(bus);
  }
}

@WebSocketGateway({ namespace: 'rooms' })
class IoChatGateway extends Chat {
  constructor(bus: MessageBus) {
    super(bus);
  }
}

/** Says something through the gateway; resolves with its answer. */
type Say = (text: string) => Promise<unknown>;

async function sayByWs(port: number): Promise<Say> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/gateway`);
  await once(socket, 'open');
  afterTest(async () => socket.terminate());
  return async (data) => {
    socket.send(JSON.stringify({ event: 'say', data }));
    const [answer] = await once(socket, 'message');
    return JSON.parse(String(answer)).data;
  };
}

/** Begins by polling, and goes over to a WebSocket of its own. */
async function sayBySocketIo(port: number): Promise<Say> {
  const socket = io(`http://127.0.0.1:${port}/rooms`, { forceNew: true });
  await new Promise((resolve) => socket.once('connect', () => resolve(undefined)));
  await until(() => socket.io.engine.transport.name === 'websocket');
  afterTest(async () => void socket.close());
  return (text) =>
    new Promise((resolve) => {
      socket.once('said', resolve);
      socket.emit('say', text);
    });
}

interface Kind {
  readonly name: string;
  readonly gateway: typeof WsChatGateway | typeof IoChatGateway;
  readonly endpoint: 'wsChat' | 'ioChat';
  createAdapter(app: INestApplication): WsAdapter | IoAdapter;
  connect(port: number): Promise<Say>;
}

const kinds: Kind[] = [
  {
    name: 'WsAdapter',
    gateway: WsChatGateway,
    endpoint: 'wsChat',
    createAdapter: (app) => new WsAdapter(app),
    connect: sayByWs,
  },
  {
    name: 'IoAdapter',
    gateway: IoChatGateway,
    endpoint: 'ioChat',
    createAdapter: (app) => new IoAdapter(app),
    connect: sayBySocketIo,
  },
];

const cases = kinds.flatMap((kind) =>
  (['express', 'fastify'] as Platform[]).map((platform) => ({ ...kind, platform })),
);

describe.each(cases)('beside a gateway of $name on $platform', (kind) => {
  const { platform, gateway, endpoint, createAdapter, connect: connectGateway } = kind;

  async function start() {
    const running = await startApp({
      platform,
      options: { drainMs: 20 },
      providers: [gateway],
      configure: (app) => app.useWebSocketAdapter(createAdapter(app)),
    });
    const client = running.connect<Record<'wsChat' | 'ioChat', Chat>>();
    return { ...running, chat: client[endpoint] };
  }

  it('calls and messages run at the same time, from one class', async () => {
    const { app, port, chat } = await start();
    const streams = ['a', 'b'].map((name) => chat.listen(name)[Symbol.asyncIterator]());
    const first = streams.map((it) => it.next());
    await until(() => app.get(MessageBus).subscriberCount('said') === 2);
    const say = await connectGateway(port);
    expect(await say('one')).toBe('one');
    expect(await Promise.all(first)).toMatchObject([{ value: 'a: one' }, { value: 'b: one' }]);
    expect(await say('two')).toBe('two');
    for (const stream of streams) {
      expect((await stream.next()).value).toMatch(/: two$/);
      await stream.return?.();
    }
  });

  it('a guard of the class keeps both from running', async () => {
    const { chat } = await start();
    expect(await failure(chat.listen('rude'))).toMatchObject({ code: 'permission-denied' });
  });

  it('the application closes with clients of both', async () => {
    const { app, port, chat } = await start();
    const running = chat.listen('a')[Symbol.asyncIterator]();
    const ending = failure(running.next());
    await until(() => app.get(MessageBus).subscriberCount('said') === 1);
    await connectGateway(port);
    await app.close();
    expect(await ending).toMatchObject({ code: 'connection-lost' });
  });
});
