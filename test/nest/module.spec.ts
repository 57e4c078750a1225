import { Injectable, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  MessageBus,
  StreamingMethod,
  StreamingModule,
  type StreamingModuleOptions,
  type StreamingOptionsFactory,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';
import { StreamingServer } from '../../lib/server/streaming-server.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { afterTest, collect, connectTo, failure, listen, startApp, until } from './app.js';

@Injectable()
class Settings {
  readonly calls = 7;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class OptionsMaker implements StreamingOptionsFactory {
  constructor(private readonly settings: Settings) {}

  async createStreamingOptions(): Promise<StreamingModuleOptions> {
    return { limits: { callsPerConnection: this.settings.calls } };
  }
}

@Module({ imports: [SettingsModule], providers: [OptionsMaker], exports: [OptionsMaker] })
class OptionsModule {}

@Injectable()
class NewsService {
  constructor(private readonly bus: MessageBus) {}

  @StreamingMethod()
  async *read(@StreamSession() session: StreamingSession) {
    for await (const message of session.messages.subscribe<string>('news')) yield message;
  }

  @StreamingMethod()
  async publish(text: string): Promise<void> {
    await this.bus.publish('news', text);
  }
}

async function startWith(module: Parameters<typeof Test.createTestingModule>[0]['imports']) {
  const compiled = await Test.createTestingModule({
    imports: module ?? [],
    providers: [NewsService],
  }).compile();
  return listen(compiled.createNestApplication());
}

describe('StreamingModule', () => {
  it('imported as it is has its defaults', async () => {
    const { port, server } = await startWith([StreamingModule]);
    expect(server.limits).toEqual(DEFAULT_LIMITS);
    expect(await connectTo<{ news: NewsService }>(port).news.publish('text')).toBeUndefined();
  });

  it('listens on the path it is given', async () => {
    const { log, port } = await startWith([StreamingModule.forRoot({ path: '/live' })]);
    expect(log.find('log', 'Streaming methods at')).toEqual(['log Streaming methods at /live']);
    const url = `ws://127.0.0.1:${port}/live?query=is-ignored`;
    const { news } = connectTo<{ news: NewsService }>(port, { url });
    expect(await news.publish('text')).toBeUndefined();
  });

  it.each([
    [
      'useFactory',
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async ({ calls }: Settings) => ({ limits: { callsPerConnection: calls } }),
      },
    ],
    ['useClass', { imports: [SettingsModule], useClass: OptionsMaker }],
    ['useExisting', { imports: [OptionsModule], useExisting: OptionsMaker }],
  ])('takes options that %s makes', async (_, options) => {
    const { server } = await startWith([StreamingModule.forRootAsync(options)]);
    expect(server.limits.callsPerConnection).toBe(7);
  });

  it('validates options that a factory makes', async () => {
    const useFactory = () => ({ port: -1 });
    expect((await failure(startWith([StreamingModule.forRootAsync({ useFactory })]))).message).toBe(
      'StreamingModule: the option port must be a whole number from 0 to 65535, not -1.',
    );
  });

  it.each([
    [{ path: 'streaming' }, 'the option path must begin with a slash'],
    [{ path: '/a?b' }, 'the option path must begin with a slash'],
    [{ port: 1.5 }, 'the option port must be a whole number'],
    [{ port: 65_536 }, 'the option port must be a whole number'],
    [{ drainMs: '2000' }, 'must be a whole number of milliseconds, not the text "2000".'],
    [{ limits: { depth: '8' } }, 'StreamingModule: the option limits.depth must be a whole number'],
    [{ limits: { depth: '8' } }, ', not the text "8".'],
    [{ auth: { leaseMs: '5000' } }, ', not the text "5000".'],
    [{ drainMs: -1 }, 'the option drainMs must be a whole number of milliseconds'],
    [{ limits: { callsPerConnection: 0 } }, 'limits.callsPerConnection must be a whole number'],
    [
      { limits: { odd: 1 } },
      'StreamingModule: the option limits.odd is unknown: there are messageBytes, ',
    ],
    [{ paht: '/streaming' }, 'the option paht is unknown: there are path, port, drainMs, limits'],
  ])('refuses %j with a sentence that names the option', (options, sentence) => {
    expect(() => StreamingModule.forRoot(options as StreamingModuleOptions)).toThrow(sentence);
  });

  it('takes one way to make its options, not two or none', () => {
    const sentence = 'takes one of useFactory, useClass and useExisting';
    const useFactory = () => ({});
    expect(() => StreamingModule.forRootAsync({})).toThrow(sentence);
    expect(() => StreamingModule.forRootAsync({ useFactory, useClass: OptionsMaker })).toThrow(
      sentence,
    );
  });

  it('lets MessageBus be injected everywhere, and ends subscriptions with their call', async () => {
    @Module({ providers: [NewsService] })
    class FeatureModule {}
    const { app, connect, server } = await startApp({ imports: [FeatureModule] });
    const { news } = connect<{ news: NewsService }>();
    const bus = app.get(MessageBus);
    const reading = (async () => {
      for await (const text of news.read()) return text;
      return undefined;
    })();
    await until(() => bus.subscriberCount('news') === 1);
    await news.publish('first');
    expect(await reading).toBe('first');
    await until(() => bus.subscriberCount('news') === 0 && server.callCount === 0);
  });
});

describe('the session', () => {
  interface Facts {
    id: string;
    connectionId: string;
    endpoint: string;
    method: string;
    auth: unknown;
    authorization: unknown;
    address: string | undefined;
    ip: string | undefined;
  }

  const closed: string[] = [];

  @Injectable()
  class FactsService {
    @StreamingMethod({ name: 'facts' })
    tell(@StreamSession() session: StreamingSession): Facts {
      const { id, connectionId, endpoint, method, auth, headers, remoteAddress } = session;
      const { authorization } = headers;
      const address = { address: remoteAddress, ip: session.ip };
      return { id, connectionId, endpoint, method, auth, authorization, ...address };
    }

    @StreamingMethod()
    async *close(@StreamSession() session: StreamingSession<unknown, string>) {
      session.userObject = 'kept';
      session.signal.addEventListener('abort', () => closed.push('aborted'));
      session.onClose(() => {
        throw new Error('in a close function');
      });
      session.onClose(() => closed.push(`closed ${session.userObject}`));
      try {
        yield 1;
        await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
      } finally {
        closed.push('finally');
      }
    }
  }

  it('tells of the call and the connection', async () => {
    const { connect } = await startApp({ providers: [FactsService] });
    const { facts } = connect<{ facts: { facts(): Facts } }>();
    const [one, other] = [await facts.facts(), await facts.facts()];
    expect(one).toMatchObject({ endpoint: 'facts', method: 'facts', auth: null });
    expect(one.address).toContain('127.0.0.1');
    expect(one.ip).toBe(one.address);
    expect(one.connectionId).toBe(other.connectionId);
    expect(one.id).not.toBe(other.id);
  });

  it('has the credentials as a bearer token, unless they name a scheme', async () => {
    const { connect } = await startApp({ providers: [FactsService] });
    const of = (credentials: string | null) =>
      connect<{ facts: { facts(): Facts } }>({ credentials: () => credentials }).facts.facts();
    expect((await of('token')).authorization).toBe('Bearer token');
    expect((await of('Basic abc')).authorization).toBe('Basic abc');
    expect((await of(null)).authorization).toBeUndefined();
  });

  it('has the authorization of the handshake where the client has no credentials', async () => {
    const { app } = await startApp({ providers: [FactsService] });
    const headers = { authorization: 'Basic of-a-proxy' };
    const of = async (credentials: string | null) => {
      const options = { headers, credentials: () => credentials };
      const client = createTestingClient<{ facts: { facts(): Facts } }>(app, options);
      afterTest(() => client.close());
      return (await client.facts.facts()).authorization;
    };
    expect(await of(null)).toBe('Basic of-a-proxy');
    expect(await of('token')).toBe('Bearer token');
  });

  it('closes after the handler came to rest, and runs every close function', async () => {
    const { connect, log, server } = await startApp({ providers: [FactsService] });
    closed.length = 0;
    for await (const _ of connect<{ facts: FactsService }>().facts.close()) break;
    await until(() => server.callCount === 0);
    expect(closed).toEqual(['aborted', 'finally', 'closed kept']);
    expect(log.find('error', 'in a close function')).toHaveLength(1);
  });
});

describe('a testing client', () => {
  async function compile(...imports: (Type | ReturnType<typeof StreamingModule.forRoot>)[]) {
    const module = await Test.createTestingModule({
      imports,
      providers: [{ provide: 'NEWS', useClass: NewsServiceOfBus }],
    }).compile();
    afterTest(() => module.close());
    return module;
  }

  @Injectable()
  class NewsServiceOfBus {
    @StreamingMethod()
    async *count(to: number) {
      for (let i = 1; i <= to; i += 1) yield i;
    }
  }

  it('calls the methods of a testing module without an HTTP server', async () => {
    const module = await compile(StreamingModule);
    await module.init();
    const client = createTestingClient<{ newsServiceOfBus: NewsServiceOfBus }>(module);
    expect(await collect(client.newsServiceOfBus.count(3))).toEqual([1, 2, 3]);
    await client.close();
    expect(module.get(StreamingServer, { strict: false }).callCount).toBe(0);
  });

  it('says what is missing', async () => {
    const early = await compile(StreamingModule);
    expect(() => createTestingClient(early)).toThrow('await app.init() first');
    const without = await compile();
    expect(() => createTestingClient(without)).toThrow('does not import StreamingModule');
  });
});
