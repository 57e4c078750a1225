import { interval } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
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
  turn,
  turns,
  until,
} from './engine.js';

let engine: Engine;

afterEach(() => engine.close());

function start<H extends Record<string, Handler>>(
  handlers: H,
  options: EngineOptions = {},
): Methods<H> {
  const started = createEngine(handlers, options);
  engine = started;
  return started.client.test;
}

/** A promise and the way to settle it, for a handler that hangs until it is let go. */
function createGate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe.each<CodecName>(['json', 'msgpack'])('Cancelling over %s', (codec) => {
  it('by break runs the generator’s finally, aborts the signal and closes the session', async () => {
    const log: string[] = [];
    const test = start(
      {
        async *count(call) {
          call.onOver(() => log.push('over'));
          call.signal.addEventListener('abort', () => log.push('aborted'));
          call.onClose(() => log.push('closed'));
          try {
            for (let i = 0; ; i++) yield i;
          } finally {
            log.push(`finally, ${call.end}`);
          }
        },
      },
      { codec, clientLimits: { windowItems: 8 } },
    );
    const read: unknown[] = [];
    for await (const item of test.count()) if (read.push(item) === 20) break;
    expect(read).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await until(() => log.includes('closed'));
    expect(log).toEqual(['over', 'aborted', 'finally, cancelled', 'closed']);
    expect(engine.server.callCount).toBe(0);
  });
});

describe('Cancelling', () => {
  it('tells why in the reason of the signal', async () => {
    let signal: AbortSignal | undefined;
    const test = start({
      async *silent(call) {
        signal = call.signal;
        await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
      },
    });
    const output = test.silent();
    await until(() => signal !== undefined);
    output.cancel();
    await until(() => signal?.aborted === true);
    expect(signal?.reason).toMatchObject({ code: 'cancelled' });
  });

  it('gives a signal that is asked for late already aborted', async () => {
    const gate = createGate();
    let late: AbortSignal | undefined;
    const test = start({
      async slow(call) {
        await gate.opened;
        late = call.signal;
      },
    });
    const output = test.slow();
    await until(() => engine.server.callCount === 1);
    output.cancel();
    await until(() => first(engine.server.connections)?.callCount === 1);
    await turns(5);
    gate.open();
    await until(() => late !== undefined);
    expect(late?.aborted).toBe(true);
  });

  it('reaches a source that has produced nothing yet, and one that never will', async () => {
    let closed = 0;
    const test = start({
      async *notYet(call) {
        call.onClose(() => closed++);
        await aborted(call);
        yield 'too late';
      },
      async *neverWill(call) {
        call.onClose(() => closed++);
        await aborted(call);
      },
    });
    for (const output of [test.notYet(), test.neverWill()]) {
      const reader = output[Symbol.asyncIterator]();
      const waiting = reader.next();
      await turns(5);
      await reader.return?.();
      expect((await waiting).done).toBe(true);
    }
    await until(() => closed === 2);
  });

  it('may follow open at once, before the answer to open', async () => {
    const log: string[] = [];
    const test = start({
      async *count(call) {
        log.push('started');
        call.onClose(() => log.push('closed'));
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          log.push('finally');
        }
      },
      ready: () => 'ready',
    });
    await test.ready();
    const output = test.count();
    output.cancel();
    expect(await collect(output)).toEqual([]);
    expect((await failure(output)).code).toBe('cancelled');
    await until(() => log.includes('closed'));
    expect(log.filter((entry) => entry !== 'finally')).toEqual(['started', 'closed']);
    expect(await test.ready()).toBe('ready');
  });

  it('before there is a connection never reaches the server, and stops the inputs', async () => {
    let started = false;
    let stopped = false;
    const test = start({
      count: () => {
        started = true;
      },
      ready: () => 'ready',
    });
    const output = test.count(new StreamController({ onCancel: () => (stopped = true) }));
    output.cancel();
    expect(stopped).toBe(true);
    expect(await test.ready()).toBe('ready');
    expect(started).toBe(false);
  });

  it('leaves room for other calls that wait for the connection', async () => {
    const test = start({ ready: () => 'ready' });
    for (let i = 0; i < 300; i++) test.ready().cancel();
    expect(await test.ready()).toBe('ready');
  });

  it('is over for the client at once though the handler is stuck, and siblings run', async () => {
    const gate = createGate();
    const test = start(
      {
        async *stuck() {
          await gate.opened;
          yield 'too late';
        },
        echo,
      },
      { limits: { callsPerConnection: 2, stuckHandlerMs: 10 } },
    );
    const sibling = new StreamController<string>();
    const siblings = test.echo(sibling)[Symbol.asyncIterator]();
    const stuck = test.stuck();
    const reader = stuck[Symbol.asyncIterator]();
    const waiting = reader.next();
    await until(() => engine.server.callCount === 2);
    const before = Date.now();
    stuck.cancel();
    expect((await waiting).done).toBe(true);
    expect(Date.now() - before).toBeLessThan(100);
    sibling.add('still here');
    expect((await siblings.next()).value).toBe('still here');

    // The place of the stuck one is taken until its handler has settled.
    expect((await failure(test.echo())).code).toBe('resource-exhausted');
    await until(() => engine.stuck.length === 1);
    expect(engine.stuck).toEqual(['test.stuck']);
    gate.open();
    await until(() => engine.server.callCount === 1);
    expect(await collect(test.echo(values('room again')))).toEqual(['room again']);
    sibling.close();
    expect((await siblings.next()).done).toBe(true);
  });

  it('names no handler as stuck that settles in time', async () => {
    const test = start({ count }, { limits: { stuckHandlerMs: 20 } });
    for await (const _ of test.count()) break;
    await until(() => engine.server.callCount === 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(engine.stuck).toEqual([]);
  });

  it('closes a handler with an input nobody reads, and stalls nothing', async () => {
    let stopped = 0;
    let closed = 0;
    const test = start({
      async *unread(call, _input: AsyncIterable<unknown>) {
        call.onClose(() => closed++);
        yield 1;
        await aborted(call);
      },
      async *paused(call, input: AsyncIterable<unknown>) {
        call.onClose(() => closed++);
        for await (const item of input) {
          yield item;
          await aborted(call);
        }
      },
      echo,
    });
    for (const method of [test.unread, test.paused]) {
      const input = new StreamController<number>({ onCancel: () => stopped++ });
      void fill(input);
      for await (const _ of method(input)) {
        expect(await collect(test.echo(values(1, 2)))).toEqual([1, 2]);
        break;
      }
    }
    await until(() => stopped === 2 && closed === 2);
  });

  it('stops a source that emits for ever', async () => {
    let emitted = 0;
    const test = start({
      async *ticks() {
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          yield emitted++;
        }
      },
      observable: () => interval(1),
    });
    for (const method of [test.ticks, test.observable]) {
      let read = 0;
      for await (const _ of method()) if (++read === 3) break;
      await until(() => engine.server.callCount === 0);
    }
    const then = emitted;
    await new Promise((resolve) => setTimeout(resolve, 12));
    expect(emitted).toBe(then);
  });

  it('may cross with the end, and be repeated', async () => {
    const test = start({ count: (_, n: number) => values(...Array(n).keys()), ready: () => 'ok' });
    await test.ready();
    for (let delay = 0; delay < 6; delay++) {
      const output = test.count(3);
      await turns(delay);
      output.cancel();
      output.cancel();
      await output[Symbol.asyncIterator]().return?.();
      output.cancel();
    }
    expect(await test.ready()).toBe('ok');
    expect(engine.failures).toEqual([]);
  });

  it('aborts the signal of a promise method and drops its late result', async () => {
    const gate = createGate();
    let signal: AbortSignal | undefined;
    let finished = false;
    const test = start({
      async slow(call) {
        signal = call.signal;
        await gate.opened;
        finished = true;
        return 'late';
      },
    });
    const output = test.slow();
    await until(() => signal !== undefined);
    const failed = failure(output);
    output.cancel();
    expect((await failed).code).toBe('cancelled');
    await until(() => signal?.aborted === true);
    gate.open();
    await until(() => engine.server.callCount === 0);
    expect(finished).toBe(true);
    expect(engine.failures).toEqual([]);
    expect(engine.late).toEqual([]);
  });

  it('tells nobody of a handler that throws its own signal’s reason, and the server of any other error', async () => {
    const test = start({
      async obeys(call) {
        await aborted(call);
        call.signal.throwIfAborted();
      },
      async fails(call) {
        await aborted(call);
        throw new Error('late');
      },
    });
    for (const method of [test.obeys, test.fails]) {
      const output = method();
      await until(() => engine.server.callCount === 1);
      output.cancel();
      await until(() => engine.server.callCount === 0);
    }
    expect(engine.failures).toEqual([]);
    expect(engine.late).toEqual([new Error('late')]);
  });

  it('lets go of a stream that a promise gives too late', async () => {
    const gate = createGate();
    let returned = false;
    const test = start({
      async late() {
        await gate.opened;
        return {
          [Symbol.asyncIterator]: () => ({
            next: async () => ({ done: false, value: 'late' }),
            return: async () => {
              returned = true;
              return { done: true, value: undefined };
            },
          }),
        };
      },
    });
    const output = test.late();
    await until(() => engine.server.callCount === 1);
    output.cancel();
    await turns(5);
    gate.open();
    await until(() => returned && engine.server.callCount === 0);
  });

  it('is what the connection’s end is for its handlers, with an end of its own', async () => {
    const ends: unknown[] = [];
    const test = start({
      async *count(call) {
        call.onClose(() => ends.push(call.end));
        for (let i = 0; ; i++) yield i;
      },
    });
    const reader = test.count()[Symbol.asyncIterator]();
    await reader.next();
    await engine.client.close();
    await until(() => ends.length === 1);
    expect(ends).toEqual(['connection-lost']);
    while ((await reader.next().catch(() => ({ done: true }))).done !== true);
  });
});

async function* echo(_call: ServerCall, stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const item of stream) yield item;
}

async function* count(): AsyncGenerator<number> {
  for (let i = 0; ; i++) yield i;
}

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

function aborted(call: ServerCall): Promise<void> {
  return new Promise((resolve) => {
    call.signal.addEventListener('abort', () => resolve());
  });
}

async function fill(input: StreamController<number>): Promise<void> {
  while (!input.isClosed) {
    await input.add(1).catch(() => undefined);
    await turn();
  }
}

function first<T>(of: Iterable<T>): T | undefined {
  return [...of][0];
}
