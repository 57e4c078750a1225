import {
  type ArgumentsHost,
  Catch,
  Controller,
  Get,
  Inject,
  Injectable,
  NotFoundException,
  Optional,
  type Provider,
  Scope,
  ServiceUnavailableException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { BaseWsExceptionFilter } from '@nestjs/websockets';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  BaseStreamingExceptionFilter,
  StreamError,
  StreamingMethod,
  StreamingSession,
} from '../../lib/index.js';
import { type AppSetup, failure, startApp } from './app.js';

class DatabaseError extends Error {}

class QuotaError extends Error {}

/** What the filters saw. */
const seen: string[] = [];

beforeEach(() => {
  seen.length = 0;
});

@Injectable()
class Words {
  readonly comeBack = 'Come back later.';
}

/** As a user writes it: an answer of its own for one error, and what is usual for all others. */
@Catch()
class DatabaseFilter extends BaseStreamingExceptionFilter {
  constructor(@Inject(Words) @Optional() private readonly words: Words = new Words()) {
    super();
  }

  override catch(error: unknown, host: ArgumentsHost) {
    seen.push(`${host.getType()} ${(error as Error).message}`);
    if (!(error instanceof DatabaseError)) return super.catch(error, host);
    throw new StreamError('unavailable', this.words.comeBack);
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedFilter extends DatabaseFilter {}

Catch()(ScopedFilter);

/** Has an answer of its own for what is usual. */
@Catch(QuotaError)
class QuotaFilter extends BaseStreamingExceptionFilter<QuotaError> {
  override catch(error: QuotaError, host: ArgumentsHost) {
    const told = super.catch(error, host);
    const { method } = host.switchToWs().getClient<StreamingSession>();
    return new StreamError('resource-exhausted', `${method} has a quota.`, { data: told?.code });
  }
}

abstract class Failing {
  @StreamingMethod()
  async value(kind: string): Promise<void> {
    throw errorOf(kind);
  }

  @StreamingMethod()
  async *midStream(kind: string) {
    yield 1;
    throw errorOf(kind);
  }

  @UseGuards({
    canActivate: () => {
      throw new DatabaseError('the password');
    },
  })
  @StreamingMethod()
  guarded(): void {}
}

function errorOf(kind: string): Error {
  if (kind === 'database') return new DatabaseError('the password');
  if (kind === 'quota') return new QuotaError('the password');
  return kind === 'public' ? new NotFoundException('No such image.') : new Error('the password');
}

@Controller()
class PlainController extends Failing {}

@UseFilters(DatabaseFilter)
@Controller('plain')
class ClassController extends Failing {}

@Controller('plain')
class MethodController extends Failing {
  @UseFilters(DatabaseFilter)
  @StreamingMethod()
  override async value(kind: string): Promise<void> {
    throw errorOf(kind);
  }

  @UseFilters(DatabaseFilter)
  @StreamingMethod()
  override async *midStream(kind: string) {
    yield 1;
    throw errorOf(kind);
  }

  @UseFilters(DatabaseFilter)
  @UseGuards({
    canActivate: () => {
      throw new DatabaseError('the password');
    },
  })
  @StreamingMethod()
  override guarded(): void {}
}

const WORDS: Provider = { provide: Words, useValue: { comeBack: 'Injected words.' } };

const LEVELS: [level: string, endpoint: string, words: string, setup: AppSetup][] = [
  ['method', 'method', 'Injected words.', { controllers: [MethodController], providers: [WORDS] }],
  ['class', 'class', 'Injected words.', { controllers: [ClassController], providers: [WORDS] }],
  [
    'module',
    'plain',
    'Injected words.',
    {
      controllers: [PlainController],
      providers: [WORDS, { provide: APP_FILTER, useClass: DatabaseFilter }],
    },
  ],
  [
    'module, of request scope',
    'plain',
    'Injected words.',
    {
      controllers: [PlainController],
      providers: [WORDS, { provide: APP_FILTER, useClass: ScopedFilter }],
    },
  ],
  [
    'application',
    'plain',
    'Come back later.',
    {
      controllers: [PlainController],
      configure: (app) => app.useGlobalFilters(new DatabaseFilter()),
    },
  ],
];

describe.each(LEVELS)(
  'a filter that extends ours, at the level %s',
  (_, endpoint, words, setup) => {
    async function start() {
      const { connect, log } = await startApp(setup);
      const failing = connect<Record<string, Failing>>()[endpoint];
      if (failing === undefined) throw new Error('There is no such endpoint.');
      return { failing, log };
    }

    it('answers what it is for, at the opening and in mid-stream', async () => {
      const { failing } = await start();
      for (const call of [
        failing.guarded(),
        failing.value('database'),
        failing.midStream('database'),
      ]) {
        expect(await failure(call)).toMatchObject({ code: 'unavailable', message: words });
      }
      expect(seen).toEqual(Array.from({ length: 3 }, () => 'ws the password'));
    });

    it('leaves the rest to ours', async () => {
      const { failing, log } = await start();
      for (const method of ['value', 'midStream'] as const) {
        expect(await failure(failing[method]('public'))).toMatchObject({
          code: 'not-found',
          message: 'No such image.',
        });
        const error = await failure(failing[method]('other'));
        expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
        expect(error.message).not.toContain('password');
        expect(log.find('error', String(error.id))[0]).toContain('Error: the password');
      }
    });
  },
);

describe('BaseStreamingExceptionFilter', () => {
  it('tells its child what a client would be told', async () => {
    const { connect } = await startApp({
      controllers: [PlainController],
      configure: (app) => app.useGlobalFilters(new QuotaFilter()),
    });
    const { plain } = connect<{ plain: Failing }>();
    expect(await failure(plain.midStream('quota'))).toMatchObject({
      code: 'resource-exhausted',
      message: 'midStream has a quota.',
      data: 'internal',
    });
    expect(await failure(plain.value('public'))).toMatchObject({ code: 'not-found' });
  });

  it('stands by itself as well, and changes nothing', async () => {
    const { connect } = await startApp({
      controllers: [PlainController],
      providers: [{ provide: APP_FILTER, useClass: BaseStreamingExceptionFilter }],
    });
    const { plain } = connect<{ plain: Failing }>();
    expect(await failure(plain.midStream('public'))).toMatchObject({ code: 'not-found' });
    expect(await failure(plain.value('other'))).toMatchObject({ code: 'internal' });
  });

  it('may stand beside that of gateways, which changes nothing here', async () => {
    const { connect } = await startApp({
      controllers: [PlainController],
      configure: (app) => app.useGlobalFilters(new BaseWsExceptionFilter()),
    });
    const { plain } = connect<{ plain: Failing }>();
    expect(await failure(plain.midStream('public'))).toMatchObject({ code: 'not-found' });
    expect(await failure(plain.value('other'))).toMatchObject({ code: 'internal' });
  });

  it.each(['express', 'fastify'] as const)(
    'serves HTTP requests as well (%s)',
    async (platform) => {
      @Controller('pages')
      class PagesController {
        @Get('missing')
        missing(): never {
          throw new NotFoundException('No such page.');
        }

        @Get('database')
        database(): never {
          throw new DatabaseError('the password');
        }
      }
      @Catch()
      class BothFilter extends BaseStreamingExceptionFilter {
        override catch(error: unknown, host: ArgumentsHost) {
          const isKnown = !(error instanceof DatabaseError);
          return super.catch(isKnown ? error : new ServiceUnavailableException('Later.'), host);
        }
      }
      const byModule = { provide: APP_FILTER, useClass: BothFilter };
      const controllers = [PagesController, PlainController];
      const apps = [
        await startApp({ platform, controllers, providers: [byModule] }),
        await startApp({
          platform,
          controllers,
          configure: (app) => {
            app.useGlobalFilters(new BothFilter(app.get(HttpAdapterHost).httpAdapter));
          },
        }),
      ];
      for (const { connect, port } of apps) {
        const page = (path: string) => fetch(`http://127.0.0.1:${port}/pages/${path}`);
        const missing = await page('missing');
        expect([missing.status, await missing.json()]).toMatchObject([
          404,
          { message: 'No such page.' },
        ]);
        expect((await page('database')).status).toBe(503);
        expect(await failure(connect<{ plain: Failing }>().plain.value('database'))).toMatchObject({
          code: 'internal',
          message: 'Later.',
        });
      }
    },
  );
});
