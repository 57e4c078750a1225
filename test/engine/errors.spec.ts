import { throwError } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import {
  collect,
  createEngine,
  type Engine,
  type EngineOptions,
  failure,
  type Handler,
  type Methods,
  readToFailure,
  until,
} from './engine.js';

/** Its class is registered on neither side. */
class Unregistered {
  x = 1;
}

function denied(): StreamError {
  return new StreamError('permission-denied', 'Only members may.', { data: { member: false } });
}

let engine: Engine;

afterEach(() => engine.close());

describe.each<CodecName>(['json', 'msgpack'])('An error over %s', (codec) => {
  function start<H extends Record<string, Handler>>(
    handlers: H,
    options: EngineOptions = {},
  ): Methods<H> {
    const started = createEngine(handlers, { codec, ...options });
    engine = started;
    return started.client.test;
  }

  it('reaches the caller behind the items that were sent before it, and nothing follows it', async () => {
    const test = start({
      async *some(_call, n: number) {
        for (let i = 0; i < n; i++) yield i;
        throw denied();
      },
    });
    for (const n of [0, 1, 5_000]) {
      const { items, error } = await readToFailure(test.some(n));
      expect(items).toEqual(Array.from({ length: n }, (_, i) => i));
      expect(error).toBeInstanceOf(StreamError);
      expect(error).toMatchObject({
        code: 'permission-denied',
        message: 'Only members may.',
        data: { member: false },
      });
    }
  });

  it('is the same from a promise, from a method that throws at once, and as a first event', async () => {
    const test = start({
      rejects: async () => Promise.reject(denied()),
      throws: () => {
        throw denied();
      },
      firstEvent: () => throwError(denied),
      // biome-ignore lint/correctness/useYield: it throws before it could
      generator: async function* () {
        throw denied();
      },
    });
    for (const method of [test.rejects, test.throws, test.firstEvent, test.generator]) {
      const { items, error } = await readToFailure(method());
      expect(items).toEqual([]);
      expect(error.code).toBe('permission-denied');
    }
    for (const method of [test.rejects, test.throws]) {
      expect((await failure(method())).code).toBe('permission-denied');
    }
  });

  it('of the server’s own says no word of itself', async () => {
    const test = start({
      async *fails() {
        yield 1;
        throw new Error('the password is 1234');
      },
    });
    const { items, error } = await readToFailure(test.fails());
    expect(items).toEqual([1]);
    expect(error).toMatchObject({ code: 'internal', id: 'x', message: 'Told in general.' });
    expect(engine.failures[0]?.error).toEqual(new Error('the password is 1234'));
  });

  it('may be anything that was thrown', async () => {
    const test = start({
      async *fails(_call, what: number) {
        yield 1;
        throw [undefined, null, 'text', 7, { plain: true }][what];
      },
      rejects: (_call, what: number) => Promise.reject([undefined, null, 'text', 7][what]),
    });
    for (let what = 0; what < 4; what++) {
      expect((await readToFailure(test.fails(what))).error.code).toBe('internal');
      expect((await failure(test.rejects(what))).code).toBe('internal');
    }
    expect(engine.failures).toHaveLength(8);
  });

  it('ends a call that yields what cannot be sent, after its cleanup, and siblings live', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const throwing = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('a getter');
      },
    });
    const bad: unknown[] = [
      cycle,
      () => 1,
      Symbol('s'),
      throwing,
      new Unregistered(),
      { deep: [new Map([['k', new Unregistered()]])] },
      { constructor: 1 },
      JSON.parse('{"__proto__":{"polluted":true}}'),
    ];
    let cleaned = 0;
    const test = start({
      async *stream(_call, which: number) {
        try {
          yield 'before';
          yield bad[which];
          yield 'after';
        } finally {
          cleaned++;
        }
      },
      value: async (_call, which: number) => bad[which],
      echo,
    });
    const sibling = new StreamController<unknown>();
    const siblings = test.echo(sibling)[Symbol.asyncIterator]();
    for (let which = 0; which < bad.length; which++) {
      const { items, error } = await readToFailure(test.stream(which));
      expect(items).toEqual(['before']);
      expect(error.code).toBe('internal');
      expect(await failure(test.value(which))).toMatchObject({ code: 'internal', id: 'x' });
      await until(() => cleaned === which + 1);
      sibling.add(which);
      expect((await siblings.next()).value).toBe(which);
    }
    sibling.close();
    await siblings.next();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('reaches the handler’s loop when it is put into an input, behind its items', async () => {
    const caught: unknown[] = [];
    const test = start({
      async *echo(_call, input: AsyncIterable<unknown>) {
        try {
          for await (const item of input) yield item;
        } catch (error) {
          caught.push(error);
          yield 'caught';
        }
      },
    });
    for (const error of [denied(), new Error('a secret of the client'), 'no error at all']) {
      const input = new StreamController<unknown>();
      input.add(1);
      input.addError(error);
      expect(await collect(test.echo(input))).toEqual([1, 'caught']);
    }
    expect(caught).toMatchObject([
      { code: 'permission-denied', message: 'Only members may.' },
      { code: 'internal', message: 'The client failed to give this input.' },
      { code: 'internal', message: 'The client failed to give this input.' },
    ]);
    expect(caught.every((error) => error instanceof StreamError)).toBe(true);
  });

  it('of an input’s source reaches the loop, and of its items that cannot be sent', async () => {
    const test = start({ echo });
    async function* broken() {
      yield 1;
      throw new Error('broken');
    }
    const inputs = [broken(), values<unknown>(1, () => 1), values<unknown>(1, new Unregistered())];
    for (const input of inputs) {
      const { items, error } = await readToFailure(test.echo(input));
      expect(items).toEqual([1]);
      expect(error).toMatchObject({ code: 'internal', message: /failed to give this input/ });
    }
    const locked = new ReadableStream();
    locked.getReader();
    expect((await readToFailure(test.echo(locked))).error.code).toBe('internal');
  });

  it('in an input whose own words cannot be sent is told in general', async () => {
    const test = start({ echo }, { limits: { messageBytes: 10_000 } });
    const odd = Object.assign(new Error('odd'), { code: 'cancelled', message: 5 });
    const hostile = Object.defineProperty(new Error('hostile'), 'code', {
      get: () => {
        throw new Error('a getter');
      },
    });
    for (const [error, code] of [
      [new StreamError('cancelled', 'x'.repeat(100_000)), 'internal'],
      [odd, 'cancelled'],
      [hostile, 'internal'],
    ]) {
      const input = new StreamController<unknown>();
      input.addError(error);
      expect((await readToFailure(test.echo(input))).error.code).toBe(code);
    }
  });

  it('is told for arguments that cannot be sent, without a trace on the server', async () => {
    let started = 0;
    let stopped = false;
    const test = start({ take: () => started++, ready: () => 'ready' });
    await test.ready();
    const input = new StreamController({ onCancel: () => (stopped = true) });
    const error = await failure(test.take(() => 1, input));
    expect(error.code).toBe('invalid-argument');
    expect(stopped).toBe(true);
    expect(await test.ready()).toBe('ready');
    expect(started).toBe(0);
  });
});

describe('An error', () => {
  function start<H extends Record<string, Handler>>(handlers: H): Engine<H> {
    const started = createEngine(handlers);
    engine = started;
    return started;
  }

  it('in a finally after a cancel is told to the server only', async () => {
    const { client, late, failures } = start({
      async *count() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
          throw new Error('in finally');
        }
      },
    });
    for await (const _ of client.test.count()) break;
    await until(() => late.length === 1);
    expect(late).toEqual([new Error('in finally')]);
    expect(failures).toEqual([]);
  });

  it('in a finally after an item that cannot be sent is told to the server, too', async () => {
    const { client, late, failures } = start({
      async *count() {
        try {
          yield () => 1;
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
          throw new Error('in finally');
        }
      },
    });
    expect((await readToFailure(client.test.count())).error.code).toBe('internal');
    await until(() => late.length === 1);
    expect(failures).toHaveLength(1);
  });

  it('not-found is all there is for what is no streaming method', async () => {
    const { client, failures } = start({ ready: () => 'ready' });
    const test = client.test as Record<string, (typeof client.test)['ready']>;
    const none = ['none', 'constructor', '__proto__', 'onModuleInit', 'toString', 'hasOwnProperty'];
    for (const name of none) {
      const input = new StreamController<unknown>();
      expect((await failure(test[name]?.(1, input) as Promise<unknown>)).code).toBe('not-found');
      await until(() => input.isClosed);
    }
    const endpoints = client as unknown as Record<string, typeof test>;
    for (const name of ['none', 'constructor', '__proto__', 'Test']) {
      expect((await failure(endpoints[name]?.['ready']?.() as Promise<unknown>)).code).toBe(
        'not-found',
      );
    }
    expect(failures).toEqual([]);
    expect(await client.test.ready()).toBe('ready');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('with data that cannot be sent is told without them', async () => {
    const { client } = start({
      fails: () => {
        throw new StreamError('unavailable', 'Later.', { data: () => 1 });
      },
    });
    const error = await failure(client.test.fails());
    expect(error).toMatchObject({ code: 'unavailable', message: 'Later.' });
    expect(error.data).toBeUndefined();
  });

  it('while the result is looked at costs that call only', async () => {
    const hostile = Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('a getter');
      },
    });
    const { client } = start({ hostile: () => hostile, echo });
    const sibling = new StreamController<unknown>();
    const siblings = client.test.echo(sibling)[Symbol.asyncIterator]();
    expect((await failure(client.test.hostile())).code).toBe('internal');
    sibling.add('still here');
    expect((await siblings.next()).value).toBe('still here');
    await siblings.return?.();
  });

  it('ends the calls of a lost connection on both sides, and the next call connects again', async () => {
    const ends: unknown[] = [];
    const { client, server } = start({
      async *count(call) {
        call.onClose(() => ends.push(call.end));
        for (let i = 0; ; i++) yield i;
      },
      async slow(call) {
        call.onClose(() => ends.push(call.end));
        await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
      },
      ready: () => 'ready',
    });
    const reader = client.test.count()[Symbol.asyncIterator]();
    await reader.next();
    const slow = failure(client.test.slow());
    await until(() => server.callCount === 2);
    for (const connection of server.connections) connection.close(1011, 'gone');
    expect((await slow).code).toBe('connection-lost');
    const drained = (async () => {
      while ((await reader.next()).done !== true);
    })();
    expect((await failure(drained)).code).toBe('connection-lost');
    await until(() => ends.length === 2);
    expect(ends).toEqual(['connection-lost', 'connection-lost']);
    expect(await client.test.ready()).toBe('ready');
  });
});

async function* echo(_call: ServerCall, stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const item of stream) yield item;
}

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

describe('An input whose source fails', () => {
  it('tells the server nothing of the error, and the caller all of it', async () => {
    const secret = new Error('the secret of the client');
    let seen: unknown;
    const started = createEngine({
      async read(_call: unknown, input: AsyncIterable<unknown>) {
        try {
          for await (const _item of input);
        } catch (error) {
          seen = error;
          throw error;
        }
      },
    });
    engine = started;
    // biome-ignore lint/correctness/useYield: its first event is an error
    async function* failing() {
      throw secret;
    }
    const error = await failure(started.client.test.read(failing()));
    expect(JSON.stringify(seen) + String(seen)).not.toContain('secret');
    expect(error).toMatchObject({ code: 'internal' });
    expect(error.cause).toBe(secret);
  });
});
