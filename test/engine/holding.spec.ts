import { afterEach, describe, expect, it } from 'vitest';
import { StreamController } from '../../lib/client/index.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { ServerCall } from '../../lib/server/call.js';
import type { ServerConnection } from '../../lib/server/connection.js';
import {
  createEngine,
  type Engine,
  failure,
  type Handler,
  readToFailure,
  turns,
  until,
} from './engine.js';

let engine: Engine;

afterEach(() => engine.close());

/** An engine that tells how each of its calls ended, and shows the newest of them. */
function start<H extends Record<string, Handler>>(handlers: H) {
  const calls: ServerCall[] = [];
  const ends: unknown[] = [];
  const noted = Object.fromEntries(
    Object.entries(handlers).map(([name, handler]): [string, Handler] => [
      name,
      (call, ...args) => {
        calls.push(call);
        call.onClose(() => ends.push(call.end));
        return handler(call, ...args);
      },
    ]),
  );
  const created = createEngine(noted as H);
  engine = created;
  const newest = (): ServerCall => calls.at(-1) as ServerCall;
  return { test: created.client.test, newest, ends };
}

/** Reads a stream in the background. */
function reading(stream: AsyncIterable<unknown>): unknown[] {
  const items: unknown[] = [];
  void (async () => {
    for await (const item of stream) items.push(item);
    items.push('the end');
  })().catch((error: StreamError) => items.push(error.code));
  return items;
}

async function* echo(_: ServerCall, input: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  yield* input;
}

/** A promise, and the way to settle it. */
function byHand<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const revoked = (): StreamError => new StreamError('revoked', 'Taken away.');

describe('A call that is held', () => {
  it('writes nothing until it is released, and then all of it in order', async () => {
    const { test, newest } = start({ echo });
    const input = new StreamController<number>();
    const items = reading(test.echo(input));
    await input.add(1);
    await until(() => items.length === 1);
    newest().hold();
    for (const item of [2, 3, 4]) await input.add(item);
    input.close();
    await turns(20);
    expect(items).toEqual([1]);
    newest().release();
    await until(() => items.length === 5);
    expect(items).toEqual([1, 2, 3, 4, 'the end']);
  });

  it('does not write what its source gives in the very turn', async () => {
    const next = byHand<string>();
    const { test, newest } = start({
      async *one() {
        yield await next.promise;
      },
    });
    const items = reading(test.one());
    await until(() => newest() !== undefined);
    await turns(3);
    next.resolve('too late');
    newest().hold();
    await turns(20);
    expect(items).toEqual([]);
    newest().release();
    await until(() => items.length === 2);
    expect(items).toEqual(['too late', 'the end']);
  });

  it('waits for as many releases as it was held', async () => {
    const { test, newest } = start({ echo });
    const input = new StreamController<number>();
    const items = reading(test.echo(input));
    await until(() => newest() !== undefined);
    newest().hold();
    newest().hold();
    newest().release();
    await input.add(1);
    await turns(20);
    expect(items).toEqual([]);
    newest().release();
    await until(() => items.length === 1);
    input.close();
  });

  it('leaves the other calls of its connection alone', async () => {
    const { test, newest } = start({ echo });
    const [held, free] = [new StreamController<number>(), new StreamController<number>()];
    const heldItems = reading(test.echo(held));
    await until(() => newest() !== undefined);
    const call = newest();
    const freeItems = reading(test.echo(free));
    await until(() => newest() !== call);
    call.hold();
    await held.add(1);
    for (let i = 0; i < 100; i++) await free.add(i);
    await until(() => freeItems.length === 100);
    expect(heldItems).toEqual([]);
    call.release();
    held.close();
    free.close();
    await until(() => heldItems.length === 2);
  });

  it('takes in its inputs, and gives credit for what its handler reads', async () => {
    let sum = 0;
    const { test, newest } = start({
      async *add(_, input: AsyncIterable<number>) {
        for await (const item of input) sum += item;
        yield sum;
      },
    });
    const input = new StreamController<number>();
    const items = reading(test.add(input));
    await until(() => newest() !== undefined);
    newest().hold();
    // More than the first credit.
    for (let i = 0; i < 10_000; i++) await input.add(1);
    input.close();
    await until(() => sum === 10_000);
    await turns(10);
    expect(items).toEqual([]);
    newest().release();
    await until(() => items.length === 2);
    expect(items).toEqual([10_000, 'the end']);
  });

  it('keeps the result of a promise method', async () => {
    const result = byHand<string>();
    const { test, newest } = start({ value: () => result.promise });
    let value: unknown;
    void test.value().then((it) => {
      value = it;
    });
    await until(() => newest() !== undefined);
    newest().hold();
    result.resolve('the result');
    await turns(20);
    expect(value).toBeUndefined();
    newest().release();
    await until(() => value === 'the result');
  });

  it('keeps the error of its stream', async () => {
    const next = byHand<never>();
    const { test, newest } = start({
      async *fail() {
        yield await next.promise;
      },
    });
    const items = reading(test.fail());
    await until(() => newest() !== undefined);
    await turns(3);
    newest().hold();
    next.reject(new StreamError('not-found', 'Gone.'));
    await turns(20);
    expect(items).toEqual([]);
    newest().release();
    await until(() => items.length === 1);
    expect(items).toEqual(['not-found']);
  });

  it('may be so before its stream has begun', async () => {
    const stream = byHand<AsyncIterable<unknown>>();
    const { test, newest } = start({ late: () => stream.promise });
    const items = reading(test.late());
    await until(() => newest() !== undefined);
    newest().hold();
    stream.resolve(echo(newest(), values(1, 2)));
    await turns(20);
    expect(items).toEqual([]);
    newest().release();
    await until(() => items.length === 3);
    expect(items).toEqual([1, 2, 'the end']);
  });

  it('and released before its stream has begun is as any other', async () => {
    const stream = byHand<AsyncIterable<unknown>>();
    const { test, newest } = start({ late: () => stream.promise });
    const items = reading(test.late());
    await until(() => newest() !== undefined);
    newest().hold();
    newest().release();
    stream.resolve(values(1));
    await until(() => items.length === 2);
  });

  it('ends with what it is failed with, and nothing before it', async () => {
    const { test, newest, ends } = start({ echo });
    const input = new StreamController<number>();
    const reader = readToFailure(test.echo(input));
    await until(() => newest() !== undefined);
    newest().hold();
    await input.add(1);
    await turns(5);
    newest().fail(revoked());
    newest().release();
    expect(await reader).toMatchObject({ items: [], error: { code: 'revoked' } });
    await until(() => ends.length === 1);
    expect(ends).toEqual(['error']);
    expect(input.isClosed).toBe(true);
  });

  it('that kept a result is failed without it', async () => {
    const { test, newest, ends } = start({
      value: async (call) => {
        call.hold();
        return 'the result';
      },
    });
    const told = failure(test.value());
    await until(() => newest() !== undefined);
    await turns(5);
    newest().fail(revoked());
    expect(await told).toMatchObject({ code: 'revoked' });
    newest().release();
    await until(() => ends.length === 1);
    expect(ends).toEqual(['error']);
  });

  it('ends when it is cancelled, and its handler with it', async () => {
    const { test, newest, ends } = start({ echo });
    const input = new StreamController<number>();
    const output = test.echo(input);
    const items = reading(output);
    await until(() => newest() !== undefined);
    newest().hold();
    await input.add(1);
    await turns(5);
    output.cancel();
    await until(() => ends.length === 1);
    expect([items, ends]).toEqual([['the end'], ['cancelled']]);
  });

  it('that kept a result or an error ends when it is cancelled', async () => {
    const { test, ends } = start({
      value: async (call) => {
        call.hold();
        return 'the result';
      },
      async *fail(call) {
        call.hold();
        yield await Promise.reject(new Error('the error'));
      },
    });
    for (const output of [test.value(), test.fail()]) {
      const told = output.then(
        (it) => it,
        (error: StreamError) => error.code,
      );
      await turns(10);
      output.cancel();
      await told;
    }
    await until(() => ends.length === 2);
    expect(ends).toEqual(['cancelled', 'cancelled']);
  });

  it('ends when its connection is lost', async () => {
    const { test, newest, ends } = start({ echo, value: async (call) => call.hold() });
    const input = new StreamController<number>();
    const items = reading(test.echo(input));
    await until(() => newest() !== undefined);
    newest().hold();
    await input.add(1);
    const value = failure(test.value());
    await turns(5);
    for (const connection of engine.server.connections) connection.close(1001, 'away');
    await until(() => ends.length === 2);
    expect(ends).toEqual(['connection-lost', 'connection-lost']);
    expect((await value).code).toBe('connection-lost');
    await until(() => items.length === 1);
  });
});

describe('A call that is failed', () => {
  it('does not give its result while it is being found out what to tell', async () => {
    const result = byHand<string>();
    const told = byHand<StreamError>();
    let call: ServerCall | undefined;
    const created = createEngine(
      {
        value: (it) => {
          call = it;
          return result.promise;
        },
      },
      { toStreamError: () => told.promise },
    );
    engine = created;
    const failed = failure(created.client.test.value());
    await until(() => call !== undefined);
    call?.fail(new Error('denied'));
    result.resolve('the result');
    await turns(10);
    told.resolve(revoked());
    expect((await failed).code).toBe('revoked');
  });
});

describe('A connection', () => {
  it('sends what was gathered before a call is held, when it is flushed', async () => {
    const { test, newest } = start({ echo });
    const input = new StreamController<number>();
    const items = reading(test.echo(input));
    await until(() => newest() !== undefined);
    const connection = [...engine.server.connections][0] as ServerConnection;
    let asked = 0;
    connection.guardFlush(() => {
      asked++;
      return true;
    });
    await input.add(1);
    await until(() => items.length === 1);
    expect(asked).toBeGreaterThan(0);
    connection.guardFlush(undefined);
    const before = asked;
    await input.add(2);
    await until(() => items.length === 2);
    expect(asked).toBe(before);
    input.close();
    await until(() => items.length === 3);
  });

  it('throws away what it gathered and closes when it may not send it', async () => {
    const { test, newest, ends } = start({ echo });
    const input = new StreamController<number>();
    const items = reading(test.echo(input));
    await input.add(1);
    await until(() => items.length === 1);
    newest().connection.guardFlush(() => false);
    await input.add(2);
    await until(() => ends.length === 1);
    await until(() => items.length === 2);
    expect([items, ends]).toEqual([[1, 'connection-lost'], ['connection-lost']]);
    expect(engine.server.connections.size).toBe(0);
  });

  it('tells of credentials when they are presented, before the calls behind them', async () => {
    const seen: unknown[] = [];
    let token = 'first';
    const created = createEngine(
      { who: (call) => seen.push(`call with ${call.connection.credentials}`) },
      {
        client: { credentials: () => token },
        hooks: { credentialsPresented: ({ credentials }) => seen.push(credentials) },
      },
    );
    engine = created;
    await created.client.test.who();
    token = 'second';
    await created.client.refreshCredentials();
    await created.client.test.who();
    expect(seen).toEqual(['first', 'call with first', 'second', 'call with second']);
  });
});

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
