import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { OpenedStream } from '../../lib/client/types.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { ServerCall } from '../../lib/server/call.js';
import {
  collect,
  createEngine,
  type Engine,
  failure,
  type Methods,
  turns,
  until,
} from './engine.js';

const handlers = {
  count: (_call: ServerCall, n: number) => values(...Array(n).keys()),
  endless: () => values(...Array(100_000).keys()),
  value: async () => 'value',
  nothing: () => undefined,
  refused: () => {
    throw new StreamError('permission-denied', 'No.');
  },
  async *breaks() {
    yield 1;
    throw new StreamError('unavailable', 'Later.');
  },
  echo: async function* (_call: ServerCall, input: AsyncIterable<unknown>) {
    yield* input;
  },
};

let engine: Engine;

function start(): Methods<typeof handlers> {
  const started = createEngine(handlers);
  engine = started;
  return started.client.test;
}

afterEach(() => engine.close());

describe('What a method returns', () => {
  it('gives the value to everybody who awaits it', async () => {
    const output = start().value();
    expect(await Promise.all([output, output, output.then((it) => it)])).toEqual([
      'value',
      'value',
      'value',
    ]);
    expect(await output).toBe('value');
    expect(await output.finally(() => undefined)).toBe('value');
  });

  it('gives the error to everybody who awaits it', async () => {
    const output = start().refused();
    const settled = await Promise.allSettled([output, output.catch(() => 'caught'), output]);
    expect(settled.map((it) => it.status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    try {
      await output;
      throw new Error('It did not fail.');
    } catch (error) {
      expect(error).toMatchObject({ code: 'permission-denied' });
    }
  });

  it('gives the stream once it is opened, which is read then', async () => {
    const output = start().count(3);
    const [stream, same] = (await Promise.all([output, output])) as OpenedStream<number>[];
    expect(stream).toBe(same);
    expect(await collect(stream as OpenedStream<number>)).toEqual([0, 1, 2]);
  });

  it('is read once: a second loop goes on where the first one is', async () => {
    const output = start().count(4);
    const [one, two] = [output[Symbol.asyncIterator](), output[Symbol.asyncIterator]()];
    expect([await one.next(), await two.next(), await one.next()].map((it) => it.value)).toEqual([
      0, 1, 2,
    ]);
    expect(await collect(output)).toEqual([3]);
    expect(await collect(output)).toEqual([]);
  });

  it('fails the awaiting one only where it was refused, else the loop', async () => {
    const test = start();
    expect((await failure(test.refused())).code).toBe('permission-denied');
    expect((await failure(collect(test.refused()))).code).toBe('permission-denied');
    const stream = (await test.breaks()) as OpenedStream<number>;
    expect((await failure(collect(stream))).code).toBe('unavailable');
  });

  it('is silent when a call fails and nobody looks', async () => {
    const test = start();
    test.refused();
    test.breaks();
    test.value().cancel();
    test.count(3).cancel();
    void test.refused()[Symbol.asyncIterator]();
    await until(() => engine.failures.length >= 3);
    await turns(5);
  });

  it('rejects whoever awaits a call that is cancelled, before, meanwhile and after', async () => {
    const test = start();
    for (const method of [test.endless, test.value]) {
      const output = method();
      const meanwhile = failure(output);
      output.cancel();
      expect((await meanwhile).code).toBe('cancelled');
      expect((await failure(output)).code).toBe('cancelled');
      expect((await failure(output.finally(() => undefined))).code).toBe('cancelled');
      expect(await collect(output)).toEqual([]);
    }
  });

  it('keeps its value when it is cancelled too late', async () => {
    const output = start().value();
    expect(await output).toBe('value');
    output.cancel();
    expect(await output).toBe('value');
  });

  it('ends the loop of a stream that is cancelled elsewhere', async () => {
    const stream = (await start().endless()) as OpenedStream<number>;
    let read = 0;
    for await (const _ of stream) if (++read === 10) stream.cancel();
    expect(read).toBe(10);
    await until(() => engine.server.callCount === 0);
  });

  it('may be the input of another call', async () => {
    const test = start();
    expect(await collect(test.echo(test.count(3)))).toEqual([0, 1, 2]);
    expect(await collect(test.echo(await test.count(3)))).toEqual([0, 1, 2]);
    expect((await failure(collect(test.echo(test.breaks())))).code).toBe('unavailable');
  });

  it('can be looked at', async () => {
    const output = start().value();
    expect(inspect(output)).toContain('StreamingCall');
    expect(JSON.stringify({ output })).toContain('output');
    expect(await output).toBe('value');
  });
});

describe('A client', () => {
  it('makes no call and no connection when it is looked at, printed or compared', async () => {
    const started = createEngine(handlers);
    engine = started;
    const { client, server } = started;
    const { test } = client;
    for (const each of [client, test, test.value] as unknown[]) {
      inspect(each, { showProxy: true, depth: 5 });
      inspect(each);
      JSON.stringify({ each });
      expect(String(each)).not.toBe('');
      expect(`${each}`).toBe(String(each));
      expect(each).toEqual(each);
      expect(each).not.toEqual({ other: 1 });
      expect({ each }).toMatchObject({ each });
      expect(() => expect({ each }).toEqual({ each: 1 })).toThrow();
      expect(await each).toBe(each);
      Object.keys(each as object);
      Object.entries(each as object);
      expect(each instanceof Promise).toBe(false);
    }
    await turns(3);
    expect(client.status).toBe('idle');
    expect(server.connections.size).toBe(0);
    expect(client.test.value).toBe(client.test.value);
  });
});

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
