import { ReadableStream } from 'node:stream/web';
import { afterEach, describe, expect, it } from 'vitest';
import { Serializable } from '../../lib/model/registry.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import {
  collect,
  createEngine,
  type Engine,
  type EngineOptions,
  type Handler,
  type Methods,
  turn,
  until,
} from './engine.js';

@Serializable()
class Point {
  x = 0;
  y = 0;
}

function point(x: number, y: number): Point {
  return Object.assign(new Point(), { x, y });
}

let engine: Engine;

afterEach(() => engine.close());

describe.each<CodecName>(['json', 'msgpack'])('A call over %s', (codec) => {
  function start<H extends Record<string, Handler>>(
    handlers: H,
    options: EngineOptions = {},
  ): Methods<H> {
    const started = createEngine(handlers, { codec, models: [Point], ...options });
    engine = started;
    return started.client.test;
  }

  it('delivers exactly the items of a stream, in order, before the end', async () => {
    const test = start({
      async *count(_call, n: number) {
        for (let i = 0; i < n; i++) yield i;
      },
    });
    expect(await collect(test.count(10_000))).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(await collect(test.count(0))).toEqual([]);
  });

  it('gives the value of a promise method that reads an input', async () => {
    const test = start({
      async sum(_call, input: AsyncIterable<number>) {
        let sum = 0;
        for await (const n of input) sum += n;
        return sum;
      },
    });
    expect(await test.sum(values(1, 2, 3))).toBe(6);
  });

  it('gives no value and the end for a method that returns nothing', async () => {
    const test = start({ nothing: () => undefined, later: async () => undefined });
    expect(await test.nothing()).toBeUndefined();
    expect(await collect(test.later())).toEqual([]);
  });

  it('gives null as a value', async () => {
    const test = start({ nothing: () => null });
    expect(await test.nothing()).toBeNull();
    expect(await collect(test.nothing())).toEqual([null]);
  });

  it('echoes an input and ends with it', async () => {
    const test = start({ echo });
    const input = new StreamController<unknown>();
    const output = test.echo(input);
    input.add('Hello');
    input.add(42);
    input.close();
    expect(await collect(output)).toEqual(['Hello', 42]);
  });

  it('tells the source of an input to stop when the method returns its first item', async () => {
    let cancelled = false;
    const input = new StreamController<number>({ onCancel: () => (cancelled = true) });
    const test = start({
      async first(_call, stream: AsyncIterable<number>) {
        for await (const n of stream) return n;
        return undefined;
      },
    });
    input.add(7);
    input.add(8);
    expect(await test.first(input)).toBe(7);
    await until(() => cancelled);
  });

  it('tells the source of an input that the method ignores to stop', async () => {
    let cancelled = false;
    const input = new StreamController<number>({ onCancel: () => (cancelled = true) });
    const test = start({ ignore: () => 'done' });
    expect(await test.ignore(input)).toBe('done');
    await until(() => cancelled);
  });

  it('tells a source to stop when the handler leaves its loop, and the call goes on', async () => {
    let cancelled = false;
    const input = new StreamController<number>({ onCancel: () => (cancelled = true) });
    const test = start({
      async *firstThen(_call, stream: AsyncIterable<number>, other: AsyncIterable<string>) {
        for await (const n of stream) {
          yield n;
          break;
        }
        for await (const text of other) yield text;
      },
    });
    const other = new StreamController<string>();
    const output = test.firstThen(input, other)[Symbol.asyncIterator]();
    input.add(1);
    expect(await output.next()).toEqual({ done: false, value: 1 });
    await until(() => cancelled);
    other.add('still here');
    expect(await output.next()).toEqual({ done: false, value: 'still here' });
    other.close();
    expect(await output.next()).toEqual({ done: true, value: undefined });
  });

  it('merges two inputs, and goes on with one when the other ends', async () => {
    const test = start({ merge });
    const [a, b] = [new StreamController<string>(), new StreamController<string>()];
    const output = test.merge(a, b)[Symbol.asyncIterator]();
    a.add('a1');
    expect((await output.next()).value).toBe('a1');
    a.close();
    b.add('b1');
    expect((await output.next()).value).toBe('b1');
    b.close();
    expect((await output.next()).done).toBe(true);
  });

  it('puts plain arguments before, between and after inputs in their places', async () => {
    const test = start({
      async places(
        _call,
        a: number,
        one: AsyncIterable<unknown>,
        b: object,
        two: AsyncIterable<unknown>,
        c: null,
      ) {
        return [a, await collect(one), b, await collect(two), c];
      },
    });
    const given = await test.places(1, values('x'), { two: [2] }, values('y', 'z'), null);
    expect(given).toEqual([1, ['x'], { two: [2] }, ['y', 'z'], null]);
  });

  it('starts when it is called, although nobody reads its output', async () => {
    let started = false;
    const test = start({
      async *effect() {
        started = true;
        yield 1;
      },
    });
    const output = test.effect();
    await until(() => started);
    expect(await collect(output)).toEqual([1]);
  });

  it('brings mixed items back with their types, and null as null', async () => {
    const test = start({ echo });
    const items = [1, 'text', point(1, 2), null, true, { plain: [point(3, 4)] }];
    const given = await collect(test.echo(values(...items)));
    expect(given).toEqual(items);
    expect(given[2]).toBeInstanceOf(Point);
    expect((given[5] as { plain: unknown[] }).plain[0]).toBeInstanceOf(Point);
  });

  it('carries what JSON has no word for', async () => {
    const items = [
      new Date(5),
      2n ** 70n,
      new Uint8Array([1, 2, 255]),
      new Map<unknown, unknown>([['k', new Set([1, undefined])]]),
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      -0,
      undefined,
      { $: 'a user’s own key', v: 1, missing: undefined },
    ];
    const test = start({ echo });
    expect(await collect(test.echo(values(...items)))).toEqual(items);
  });

  it('completes ten echo calls opened back to back with a thousand items each', async () => {
    const test = start({ echo });
    const items = Array.from({ length: 1_000 }, (_, i) => ({ i }));
    const outputs = await Promise.all(
      Array.from({ length: 10 }, () => collect(test.echo(values(...items)))),
    );
    for (const output of outputs) expect(output).toEqual(items);
  });

  it('gives two calls of one method different session ids', async () => {
    const test = start({ id: (call: ServerCall) => call.id });
    const [a, b] = await Promise.all([test.id(), test.id()]);
    expect(a).not.toBe(b);
  });

  it('keeps what was sent as it was when it was yielded', async () => {
    const test = start({
      async *grow() {
        const one = point(0, 0);
        for (; one.x < 3; one.x++) yield one;
      },
    });
    expect(await collect(test.grow())).toEqual([point(0, 0), point(1, 0), point(2, 0)]);
  });

  it('takes ReadableStreams and observables as inputs and as outputs', async () => {
    const test = start({
      echo,
      readable: () => ReadableStream.from([1, 2]),
      observable: () => observable(3, 4),
    });
    expect(await collect(test.echo(ReadableStream.from([1, 2])))).toEqual([1, 2]);
    expect(await collect(test.echo(observable('a', 'b')))).toEqual(['a', 'b']);
    expect(await collect(test.readable())).toEqual([1, 2]);
    expect(await collect(test.observable())).toEqual([3, 4]);
  });

  it('pulls the source of an output no further than the reader allows', async () => {
    let pulled = 0;
    const test = start(
      {
        async *endless() {
          for (;;) yield pulled++;
        },
      },
      { clientLimits: { windowItems: 10 } },
    );
    const output = test.endless()[Symbol.asyncIterator]();
    for (let i = 0; i < 20; i++) await turn();
    expect(pulled).toBe(10);
    for (let i = 0; i < 5; i++) expect((await output.next()).value).toBe(i);
    await until(() => pulled === 15);
    await output.return?.();
  });
});

async function* echo(_call: ServerCall, stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const item of stream) yield item;
}

async function* merge(
  _call: ServerCall,
  ...streams: AsyncIterable<unknown>[]
): AsyncGenerator<unknown> {
  const merged = new StreamController<unknown>();
  const readers = streams.map(async (stream) => {
    for await (const item of stream) merged.add(item);
  });
  void Promise.all(readers).then(() => merged.close());
  yield* merged;
}

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

function observable(...items: unknown[]): object {
  return {
    subscribe(observer: { next(item: unknown): void; complete(): void }) {
      for (const item of items) observer.next(item);
      observer.complete();
      return { unsubscribe: () => undefined };
    },
  };
}
