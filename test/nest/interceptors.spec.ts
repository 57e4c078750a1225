import { Controller, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import {
  catchError,
  concat,
  concatMap,
  delay,
  EMPTY,
  endWith,
  filter,
  finalize,
  from,
  map,
  merge,
  mergeMap,
  NEVER,
  Observable,
  type OperatorFunction,
  of,
  retry,
  startWith,
  take,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { collect, failure, readableOf, startApp, until } from './app.js';

/** An interceptor that only pipes. */
function piping(...operators: OperatorFunction<never, unknown>[]): NestInterceptor {
  return {
    intercept: (_, next) =>
      operators.reduce(
        (observable, operator) => observable.pipe(operator as OperatorFunction<unknown, unknown>),
        next.handle() as Observable<unknown>,
      ),
  };
}

function answering(answer: () => Observable<unknown>): NestInterceptor {
  return { intercept: () => answer() };
}

let produced = 0;
let cleaned = 0;
let finalized = 0;
let attempts = 0;

function noteCleanup(): void {
  cleaned += 1;
}

function noteEnd(): void {
  finalized += 1;
}

async function* count(from = 1): AsyncGenerator<number> {
  try {
    for (let i = from; ; i += 1) {
      produced += 1;
      yield i;
    }
  } finally {
    cleaned += 1;
  }
}

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

class Intercepted {
  @UseInterceptors(piping(map((it: number) => it * 2)), piping(map((it: number) => it + 1)))
  @StreamingMethod()
  mapped() {
    return count();
  }

  @UseInterceptors(piping(map((it: number) => it * 2)))
  @StreamingMethod()
  mappedReadable() {
    return readableOf(count());
  }

  @UseInterceptors(piping(take(3)))
  @StreamingMethod()
  taken() {
    return count();
  }

  @UseInterceptors(piping(filter((it: number) => it % 100 === 0)))
  @StreamingMethod()
  filtered() {
    return count();
  }

  @UseInterceptors(piping(mergeMap((it: number) => from([it, it, it]))))
  @StreamingMethod()
  expanded() {
    return count();
  }

  @UseInterceptors(piping(concatMap(async (it: number) => it * 10)))
  @StreamingMethod()
  awaited() {
    return count();
  }

  @UseInterceptors(piping(delay(1)))
  @StreamingMethod()
  async *delayed() {
    yield 1;
    yield 2;
  }

  @UseInterceptors(piping(catchError(() => of('recovered'))))
  @StreamingMethod()
  async *recovered() {
    yield 'item';
    throw new Error('failed');
  }

  @UseInterceptors(piping(retry(2)))
  @StreamingMethod()
  async *retried() {
    attempts += 1;
    yield attempts;
    if (attempts < 3) throw new Error('failed');
  }

  @UseInterceptors(piping(startWith(0), endWith(4)))
  @StreamingMethod()
  async framed() {
    return list(1, 2, 3);
  }

  @UseInterceptors({ intercept: (_, next) => merge(next.handle(), of('beside')) })
  @StreamingMethod()
  merged() {
    return list(1, 2);
  }

  @UseInterceptors(piping(startWith('first')))
  @StreamingMethod()
  async framedValue() {
    return 'value';
  }

  @UseInterceptors({
    intercept: async (_, next) => {
      await Promise.resolve();
      return next.handle();
    },
  })
  @StreamingMethod()
  later() {
    return list(1, 2);
  }

  @UseInterceptors({ intercept: (_, next) => concat(next.handle(), next.handle()) })
  @StreamingMethod()
  twice() {
    return list(1, 2);
  }

  @UseInterceptors(piping(map((it: string) => ({ data: it }))))
  @StreamingMethod()
  async value(text: string) {
    return text;
  }

  @UseInterceptors(piping(tap({})))
  @StreamingMethod()
  nothing(): void {}

  @UseInterceptors(piping(map((it: number) => it * 2)))
  @StreamingMethod()
  observable() {
    return from([1, 2, 3]);
  }

  @UseInterceptors(answering(() => of('cached')))
  @StreamingMethod()
  async cachedValue(): Promise<string> {
    attempts += 1;
    return 'fresh';
  }

  @UseInterceptors(answering(() => of('cached', 'items')))
  @StreamingMethod()
  async *cachedStream() {
    attempts += 1;
    yield 'fresh';
  }

  @UseInterceptors(answering(() => EMPTY))
  @StreamingMethod()
  async *emptied() {
    yield 'fresh';
  }

  @UseInterceptors(answering(() => throwError(() => new Error('refused'))))
  @StreamingMethod()
  async *refused() {
    yield 'fresh';
  }

  @UseInterceptors(
    answering(() => NEVER.pipe(finalize(noteEnd))),
    piping(tap({})),
  )
  @StreamingMethod()
  async *undecided() {
    yield 'fresh';
  }

  @UseInterceptors(piping(finalize(noteEnd)))
  @StreamingMethod()
  async *hanging(@StreamSession() session: StreamingSession) {
    yield 1;
    await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    cleaned += 1;
  }

  @UseInterceptors(piping(tap({})))
  @StreamingMethod()
  async promised(@StreamSession() session: StreamingSession) {
    attempts += 1;
    await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    return new ReadableStream<number>({ cancel: noteCleanup });
  }

  @UseInterceptors(piping(timeout(20)))
  @StreamingMethod()
  async *tooSlow() {
    yield 1;
    await new Promise(() => undefined);
  }
}

@Controller()
class InterceptedController extends Intercepted {}

async function start() {
  produced = cleaned = finalized = attempts = 0;
  const running = await startApp({
    controllers: [InterceptedController],
    options: { drainMs: 50 },
  });
  const { intercepted } = running.connect<{ intercepted: Intercepted }>();
  return { ...running, intercepted };
}

/** The first items of a stream, which is given up then. */
async function firstOf<T>(stream: AsyncIterable<T>, items: number): Promise<T[]> {
  const first: T[] = [];
  for await (const item of stream) if (first.push(item) === items) break;
  return first;
}

describe('an interceptor', () => {
  it('sees the output item by item, through its operators', async () => {
    const { intercepted } = await start();
    expect(await firstOf(intercepted.mapped(), 3)).toEqual([4, 6, 8]);
    expect(await firstOf(intercepted.mappedReadable(), 3)).toEqual([2, 4, 6]);
    expect(await collect(intercepted.observable())).toEqual([2, 4, 6]);
    await until(() => cleaned === 2);
  });

  it('may end the output early, and the handler is let go', async () => {
    const { server, intercepted } = await start();
    expect(await collect(intercepted.taken())).toEqual([1, 2, 3]);
    await until(() => server.callCount === 0);
    expect([produced, cleaned]).toEqual([3, 1]);
  });

  it('may drop items, or make more of them', async () => {
    const { intercepted } = await start();
    expect(await firstOf(intercepted.filtered(), 3)).toEqual([100, 200, 300]);
    expect(await firstOf(intercepted.expanded(), 5)).toEqual([1, 1, 1, 2, 2]);
  });

  it('may give items later', async () => {
    const { intercepted } = await start();
    expect(await firstOf(intercepted.awaited(), 3)).toEqual([10, 20, 30]);
    expect(await collect(intercepted.delayed())).toEqual([1, 2]);
  });

  it('may add items, before the handler has given its stream too', async () => {
    const { intercepted } = await start();
    expect(await collect(intercepted.framed())).toEqual([0, 1, 2, 3, 4]);
    expect(await collect(intercepted.merged())).toEqual(['beside', 1, 2]);
    expect(await intercepted.framedValue()).toBe('value');
  });

  it('may take its time, or run the handler twice', async () => {
    const { intercepted } = await start();
    expect(await collect(intercepted.later())).toEqual([1, 2]);
    expect(await collect(intercepted.twice())).toEqual([1, 2, 1, 2]);
  });

  it('may recover from an error, and try again', async () => {
    const { intercepted } = await start();
    expect(await collect(intercepted.recovered())).toEqual(['item', 'recovered']);
    expect(await collect(intercepted.retried())).toEqual([1, 2, 3]);
  });

  it('sees the value of a promise method', async () => {
    const { intercepted } = await start();
    expect(await intercepted.value('a')).toEqual({ data: 'a' });
    expect(await intercepted.nothing()).toBeUndefined();
  });

  it('may answer without the handler', async () => {
    const { intercepted } = await start();
    expect(await intercepted.cachedValue()).toBe('cached');
    expect(await collect(intercepted.cachedStream())).toEqual(['cached', 'items']);
    expect(await collect(intercepted.emptied())).toEqual([]);
    expect(await failure(intercepted.refused())).toMatchObject({ code: 'internal' });
    expect(attempts).toBe(0);
  });

  it('is unsubscribed from when the client leaves, before the handler ran or after', async () => {
    const { server, intercepted } = await start();
    const undecided = intercepted.undecided();
    await until(() => server.callCount === 1);
    undecided.cancel();
    await until(() => server.callCount === 0);
    expect(finalized).toBe(1);

    expect(await firstOf(intercepted.hanging(), 1)).toEqual([1]);
    await until(() => server.callCount === 0);
    expect([finalized, cleaned]).toEqual([2, 1]);
  });

  it('lets go of a stream that the handler gives when the client has left', async () => {
    const { server, intercepted } = await start();
    const promised = intercepted.promised();
    await until(() => attempts === 1);
    promised.cancel();
    await until(() => server.callCount === 0);
    await until(() => cleaned === 1);
  });

  it('may time out', async () => {
    const { intercepted } = await start();
    expect(await failure(intercepted.tooSlow())).toMatchObject({ code: 'internal' });
  });
});

describe('backpressure through two interceptors', () => {
  it('is exact: four credits, four items produced', async () => {
    const { app } = await start();
    const limits = { windowItems: 4 };
    const client = createTestingClient<{ intercepted: Intercepted }>(app, { limits });
    const output = client.intercepted.mapped()[Symbol.asyncIterator]();
    await until(() => produced === 4);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(produced).toBe(4);

    const read: unknown[] = [];
    for (let i = 0; i < 10; i += 1) read.push((await output.next()).value);
    expect(read).toEqual([4, 6, 8, 10, 12, 14, 16, 18, 20, 22]);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(produced).toBeLessThanOrEqual(14);
    await output.return?.();
    await until(() => cleaned === 1);
    await client.close();
  });

  it('holds items that are made more of: no more is pulled than came out', async () => {
    const { app } = await start();
    const limits = { windowItems: 4 };
    const client = createTestingClient<{ intercepted: Intercepted }>(app, { limits });
    const output = client.intercepted.expanded()[Symbol.asyncIterator]();
    await until(() => produced === 2);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(produced).toBe(2);
    await output.return?.();
    await client.close();
  });
});
