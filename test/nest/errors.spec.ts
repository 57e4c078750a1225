import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  ConflictException,
  type ExceptionFilter,
  ForbiddenException,
  GoneException,
  HttpException,
  Injectable,
  InternalServerErrorException,
  NotFoundException,
  ServiceUnavailableException,
  UnauthorizedException,
  UseFilters,
} from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { WsException } from '@nestjs/websockets';
import { Observable, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { StreamError, StreamingMethod, StreamingSession } from '../../lib/index.js';
import { failure, startApp, until } from './app.js';

class DatabaseError extends Error {}

/** The ways a method can fail; each fails with what `cause` names. */
abstract class Failing {
  protected abstract error(cause: string): unknown;

  @StreamingMethod()
  now(cause: string): void {
    throw this.error(cause);
  }

  @StreamingMethod()
  async later(cause: string): Promise<void> {
    await Promise.resolve();
    throw this.error(cause);
  }

  @StreamingMethod()
  beforeStream(cause: string): AsyncIterable<number> {
    throw this.error(cause);
  }

  @StreamingMethod()
  async *first(cause: string) {
    if (cause !== '') throw this.error(cause);
    yield 1;
  }

  @StreamingMethod()
  async *midStream(cause: string) {
    yield 1;
    yield 2;
    throw this.error(cause);
  }

  @StreamingMethod()
  observable(cause: string): Observable<number> {
    return throwError(() => this.error(cause));
  }
}

const WAYS = ['now', 'later', 'beforeStream', 'first', 'midStream', 'observable'] as const;

const ERRORS: Readonly<Record<string, () => unknown>> = {
  database: () => new DatabaseError('password=secret'),
  text: () => 'secret text',
  nothing: () => undefined,
  badRequest: () => new BadRequestException('Bad pixel.'),
  list: () => new BadRequestException(['a is bad', 'b is bad']),
  body: () => new BadRequestException({ message: 'Bad pixel.', field: 'x' }),
  unauthorized: () => new UnauthorizedException('Who are you?'),
  forbidden: () => new ForbiddenException('Not you.'),
  notFound: () => new NotFoundException('No such image.'),
  gone: () => new GoneException('It was here.'),
  conflict: () => new ConflictException('Somebody was faster.'),
  tooMany: () => new HttpException('Slow down.', 429),
  timeout: () => new HttpException('Too late.', 408),
  server: () => new InternalServerErrorException('Our fault.'),
  unavailable: () => new ServiceUnavailableException('Closed.'),
  ws: () => new WsException('Bad move.'),
  wsCode: () => new WsException({ code: 'permission-denied', message: 'Not your turn.' }),
  stream: () => new StreamError('resource-exhausted', 'Full.', { data: { seats: 0 } }),
  foreign: () => new StreamError('connection-lost', 'secret upstream'),
};

@Injectable()
class FailingService extends Failing {
  protected error(cause: string): unknown {
    return ERRORS[cause]?.();
  }
}

describe('an accident', () => {
  it.each(WAYS)('tells the client an id only (%s), and the log all under that id', async (way) => {
    const { log, connect } = await startApp({ providers: [FailingService] });
    const error = await failure(connect<{ failing: FailingService }>().failing[way]('database'));
    expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
    expect(JSON.stringify({ ...error, message: error.message })).not.toMatch(
      /secret|Database|\.ts/,
    );
    const logged = log.find('error', String(error.id));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/failing\.\w+ failed.*DatabaseError: password=secret/s);
    expect(logged[0]).toContain('errors.spec.ts');
  });

  it.each(['text', 'nothing', 'foreign'])('may be anything (%s)', async (cause) => {
    const { log, connect } = await startApp({ providers: [FailingService] });
    const error = await failure(connect<{ failing: FailingService }>().failing.later(cause));
    expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
    expect(error.message).not.toContain('secret');
    expect(log.find('error', String(error.id))).toHaveLength(1);
  });
});

describe('an exception of Nest', () => {
  it.each([
    ['badRequest', 'invalid-argument', 'Bad pixel.'],
    ['list', 'invalid-argument', 'a is bad; b is bad'],
    ['body', 'invalid-argument', 'Bad pixel.'],
    ['unauthorized', 'unauthenticated', 'Who are you?'],
    ['forbidden', 'permission-denied', 'Not you.'],
    ['notFound', 'not-found', 'No such image.'],
    ['gone', 'not-found', 'It was here.'],
    ['conflict', 'invalid-argument', 'Somebody was faster.'],
    ['tooMany', 'resource-exhausted', 'Slow down.'],
    ['timeout', 'deadline-exceeded', 'Too late.'],
    ['server', 'internal', 'Our fault.'],
    ['unavailable', 'internal', 'Closed.'],
    ['ws', 'invalid-argument', 'Bad move.'],
    ['wsCode', 'permission-denied', 'Not your turn.'],
    ['stream', 'resource-exhausted', 'Full.'],
  ])('%s keeps its public message under %s', async (cause, code, message) => {
    const { log, connect } = await startApp({ providers: [FailingService] });
    const { failing } = connect<{ failing: FailingService }>();
    for (const way of ['now', 'midStream'] as const) {
      expect(await failure(failing[way](cause))).toMatchObject({ code, message });
    }
    expect(log.find('error', '')).toHaveLength(code === 'internal' ? 2 : 0);
  });

  it('with a body of its own gives it as data', async () => {
    const { connect } = await startApp({ providers: [FailingService] });
    const { failing } = connect<{ failing: FailingService }>();
    const body = await failure(failing.now('body'));
    expect(body.data).toEqual({ message: 'Bad pixel.', field: 'x' });
    expect((await failure(failing.now('list'))).data).toMatchObject({
      message: ['a is bad', 'b is bad'],
    });
    expect((await failure(failing.now('badRequest'))).data).toBeUndefined();
    expect((await failure(failing.now('stream'))).data).toEqual({ seats: 0 });
  });

  it('comes after the items that came before it', async () => {
    const { connect } = await startApp({ providers: [FailingService] });
    const items: number[] = [];
    const reading = (async () => {
      const stream = connect<{ failing: FailingService }>().failing.midStream('notFound');
      for await (const item of stream) items.push(item);
    })();
    expect(await failure(reading)).toMatchObject({ code: 'not-found' });
    expect(items).toEqual([1, 2]);
  });
});

const caught: unknown[] = [];

@Catch(DatabaseError)
class RethrowFilter implements ExceptionFilter {
  catch(error: DatabaseError, host: ArgumentsHost): never {
    const session = host.switchToWs().getClient<StreamingSession>();
    caught.push([host.getType(), session.method, error.message]);
    throw new NotFoundException('No such image.');
  }
}

@Catch()
class AsyncFilter implements ExceptionFilter {
  async catch(): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new ForbiddenException('Not you.');
  }
}

@Catch()
class RpcFilter implements ExceptionFilter {
  catch(): Observable<never> {
    return throwError(() => new StreamError('unavailable', 'Come back later.'));
  }
}

@Catch()
class ReturningFilter implements ExceptionFilter {
  catch(): StreamError {
    return new StreamError('deadline-exceeded', 'Too late.');
  }
}

@Catch()
class SilentFilter implements ExceptionFilter {
  catch(error: unknown): void {
    caught.push(error);
  }
}

@Catch()
class HttpFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToHttp().getResponse().status(500).json({});
  }
}

@UseFilters(RethrowFilter)
@Injectable()
class RethrownService extends FailingService {}

@UseFilters(AsyncFilter)
@Injectable()
class AsyncFilteredService extends FailingService {}

@UseFilters(RpcFilter)
@Injectable()
class RpcFilteredService extends FailingService {}

@UseFilters(ReturningFilter)
@Injectable()
class ReturnedService extends FailingService {}

@UseFilters(SilentFilter)
@Injectable()
class SilentService extends FailingService {}

@UseFilters(HttpFilter)
@Injectable()
class HttpFilteredService extends FailingService {}

describe('an exception filter', () => {
  it.each(WAYS)('sees the error (%s), and what it throws is what the client gets', async (way) => {
    const { connect } = await startApp({ providers: [RethrownService] });
    const { rethrown } = connect<{ rethrown: Failing }>();
    caught.length = 0;
    expect(await failure(rethrown[way]('database'))).toMatchObject({
      code: 'not-found',
      message: 'No such image.',
    });
    expect(caught).toEqual([['ws', way, 'password=secret']]);
  });

  it('is not asked for what it does not catch', async () => {
    const { connect } = await startApp({ providers: [RethrownService] });
    const { rethrown } = connect<{ rethrown: Failing }>();
    caught.length = 0;
    expect(await failure(rethrown.midStream('forbidden'))).toMatchObject({
      code: 'permission-denied',
    });
    expect(caught).toEqual([]);
  });

  it.each(WAYS)('may take its time (%s)', async (way) => {
    const { server, connect } = await startApp({ providers: [AsyncFilteredService] });
    const { asyncFiltered } = connect<{ asyncFiltered: Failing }>();
    expect(await failure(asyncFiltered[way]('database'))).toMatchObject({
      code: 'permission-denied',
      message: 'Not you.',
    });
    expect(server.callCount).toBe(0);
  });

  it('that takes its time is not waited for when the client leaves', async () => {
    const { server, connect } = await startApp({ providers: [AsyncFilteredService] });
    const { asyncFiltered } = connect<{ asyncFiltered: Failing }>();
    const stream = asyncFiltered.midStream('database');
    const output = stream[Symbol.asyncIterator]();
    expect([await output.next(), await output.next()]).toMatchObject([{ value: 1 }, { value: 2 }]);
    stream.cancel();
    await until(() => server.callCount === 0);
    expect(await failure(asyncFiltered.now('database'))).toMatchObject({
      code: 'permission-denied',
    });
  });

  it('may return an observable that fails, or the error', async () => {
    const { connect } = await startApp({ providers: [RpcFilteredService, ReturnedService] });
    const client = connect<{ rpcFiltered: Failing; returned: Failing }>();
    for (const way of WAYS) {
      const rpc = await failure(client.rpcFiltered[way]('database'));
      expect(rpc).toMatchObject({ code: 'unavailable', message: 'Come back later.' });
      const returned = await failure(client.returned[way]('database'));
      expect(returned).toMatchObject({ code: 'deadline-exceeded', message: 'Too late.' });
    }
  });

  it('that only looks changes nothing', async () => {
    const { connect } = await startApp({ providers: [SilentService] });
    const { silent } = connect<{ silent: Failing }>();
    caught.length = 0;
    expect(await failure(silent.midStream('notFound'))).toMatchObject({ code: 'not-found' });
    expect(await failure(silent.now('database'))).toMatchObject({ code: 'internal' });
    expect(caught).toEqual([expect.any(NotFoundException), expect.any(DatabaseError)]);
  });

  it('written for HTTP changes nothing, and the log says what is wrong with it', async () => {
    const { log, connect } = await startApp({
      providers: [HttpFilteredService],
      configure: (app) => {
        const { httpAdapter } = app.get(HttpAdapterHost);
        app.useGlobalFilters(new BaseExceptionFilter(httpAdapter));
      },
    });
    const { httpFiltered } = connect<{ httpFiltered: Failing }>();
    expect(await failure(httpFiltered.midStream('notFound'))).toMatchObject({
      code: 'not-found',
      message: 'No such image.',
    });
    expect(log.find('warn', 'An exception filter failed')).toHaveLength(1);
  });

  it.each(['express', 'fastify'] as const)(
    'of Nest itself, global, for HTTP on %s, changes nothing',
    async (platform) => {
      const { connect } = await startApp({
        platform,
        providers: [FailingService],
        configure: (app) => {
          const { httpAdapter } = app.get(HttpAdapterHost);
          app.useGlobalFilters(new BaseExceptionFilter(httpAdapter));
        },
      });
      const { failing } = connect<{ failing: Failing }>();
      expect(await failure(failing.midStream('notFound'))).toMatchObject({ code: 'not-found' });
      expect(await failure(failing.now('database'))).toMatchObject({ code: 'internal' });
    },
  );
});
