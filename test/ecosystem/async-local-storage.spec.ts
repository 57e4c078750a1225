import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingSession, StreamParam, StreamSession } from '../../lib/index.js';
import { collect, failure, startApp, until } from '../nest/app.js';

const storage = new AsyncLocalStorage<string>();
/** What was in the storage when something ran that gives nothing to the client. */
const seen: string[] = [];

beforeEach(() => {
  seen.length = 0;
});

function here(): string {
  return storage.getStore() ?? 'nothing';
}

function note(where: string): void {
  seen.push(`${where} ${here()}`);
}

/** The first argument of the call, which every call of these tests gives a value of its own. */
function tagOf(context: ExecutionContext): string {
  return String(context.switchToWs().getData()[0]);
}

/** As guards do it: from here on, for whatever follows. */
@Injectable()
class EnterGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    storage.enterWith(tagOf(context));
    return true;
  }
}

/** As Nest's documentation has it: around `next.handle()`. */
@Injectable()
class RunInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    return storage.run(tagOf(context), () => next.handle());
  }
}

/** As nestjs-cls has it: around the subscription. */
@Injectable()
class SubscribeInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    return new Observable((subscriber) =>
      storage.run(tagOf(context), () => next.handle().subscribe(subscriber)),
    );
  }
}

class Handlers {
  @StreamingMethod()
  async value(_tag: string): Promise<string> {
    await turn();
    return here();
  }

  @StreamingMethod()
  async *items(_tag: string, count: number) {
    for (let i = 0; i < count; i++) {
      yield here();
      if (i % 2 === 0) await turn();
    }
  }

  @StreamingMethod()
  async promised(_tag: string) {
    await turn();
    return this.items(_tag, 2);
  }

  @StreamingMethod()
  async *echo(_tag: string, items: AsyncIterable<number>) {
    for await (const item of items) yield `${item} ${here()}`;
  }

  @StreamingMethod()
  observed(_tag: string, @StreamParam() items: Observable<number>) {
    return new Observable<string>((subscriber) =>
      items.subscribe({
        next: (item) => subscriber.next(`${item} ${here()}`),
        complete: () => subscriber.complete(),
      }),
    );
  }

  @StreamingMethod()
  async *cleanup(_tag: string, @StreamSession() session: StreamingSession) {
    session.signal.addEventListener('abort', () => note('aborted'));
    session.onClose(() => note('closed'));
    try {
      for (;;) yield here();
    } finally {
      note('finally');
      await turn();
      note('later');
    }
  }

  @StreamingMethod()
  async *failing(_tag: string, @StreamSession() session: StreamingSession) {
    session.onClose(() => note('closed'));
    yield here();
    throw new Error('failed');
  }
}

@UseGuards(EnterGuard)
@Injectable()
class GuardedService extends Handlers {}

@UseInterceptors(RunInterceptor)
@Injectable()
class RunService extends Handlers {}

@UseInterceptors(SubscribeInterceptor)
@Injectable()
class SubscribedService extends Handlers {}

@UseGuards(EnterGuard)
@Injectable({ scope: Scope.REQUEST })
class ScopedService extends Handlers {}

@Injectable()
class OpenService {
  @StreamingMethod()
  value(): string {
    return here();
  }

  @StreamingMethod()
  async *entered(tag: string) {
    storage.enterWith(tag);
    yield here();
    await turn();
    yield here();
  }
}

const providers = [GuardedService, RunService, SubscribedService, ScopedService, OpenService];
type Client = Record<'guarded' | 'run' | 'subscribed' | 'scoped', Handlers> & { open: OpenService };

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function* numbers() {
  for (let i = 1; i <= 3; i++) {
    await turn();
    yield i;
  }
}

describe.each([
  ['guarded', 'a guard enters for what follows'],
  ['scoped', 'a guard enters for a request-scoped provider'],
  ['run', 'an interceptor puts around next.handle()'],
  ['subscribed', 'an interceptor puts around the subscription'],
] as const)('in %s, the context that %s', (endpoint, _) => {
  async function start() {
    const { connect, server } = await startApp({ providers });
    return { handlers: connect<Client>()[endpoint], server };
  }

  it('is there in a handler, after its awaits too', async () => {
    const { handlers } = await start();
    expect(await handlers.value('a')).toBe('a');
  });

  it('is there in a generator for every item, long after the first credit', async () => {
    const { handlers } = await start();
    const items = await collect(handlers.items('a', 1_000));
    expect(new Set(items)).toEqual(new Set(['a']));
    expect(await collect(handlers.promised('b'))).toEqual(['b', 'b']);
  });

  it('is there in the loop over an input', async () => {
    const { handlers } = await start();
    expect(await collect(handlers.echo('a', numbers()))).toEqual(['1 a', '2 a', '3 a']);
    expect(await collect(handlers.observed('b', numbers() as never))).toEqual([
      '1 b',
      '2 b',
      '3 b',
    ]);
  });

  it('is there when the client cancels: for the signal, in the finally, in close functions', async () => {
    const { handlers, server } = await start();
    for await (const item of handlers.cleanup('a')) {
      expect(item).toBe('a');
      break;
    }
    await until(() => server.callCount === 0);
    expect(seen).toEqual(['aborted a', 'finally a', 'later a', 'closed a']);
  });

  it('is there in close functions when the handler fails', async () => {
    const { handlers, server } = await start();
    expect(await failure(handlers.failing('a'))).toMatchObject({ code: 'internal' });
    await until(() => server.callCount === 0);
    expect(seen).toEqual(['closed a']);
  });

  it('does not mix with that of other calls of the same message', async () => {
    const { handlers } = await start();
    const tags = Array.from({ length: 20 }, (_, i) => `tag ${i}`);
    const streams = await Promise.all(tags.map((tag) => collect(handlers.items(tag, 50))));
    expect(streams.map((items) => new Set(items))).toEqual(tags.map((tag) => new Set([tag])));
    const values = await Promise.all(tags.map((tag) => handlers.value(tag)));
    expect(values).toEqual(tags);
  });
});

it('what one call enters is not there for the next one of its message', async () => {
  const { connect } = await startApp({ providers });
  const { guarded, open } = connect<Client>();
  const values = [guarded.value('a'), open.value(), collect(open.entered('b')), open.value()];
  expect(await Promise.all(values)).toEqual(['a', 'nothing', ['b', 'b'], 'nothing']);
  expect(await open.value()).toBe('nothing');
});
