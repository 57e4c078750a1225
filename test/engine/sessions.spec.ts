import { afterEach, describe, expect, it } from 'vitest';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { collect, createEngine, type Engine, failure, type Handler, until } from './engine.js';

let engine: Engine;

afterEach(() => engine.close());

function start<H extends Record<string, Handler>>(handlers: H): Engine<H> {
  const started = createEngine(handlers);
  engine = started;
  return started;
}

/** Writes down what the session goes through. */
function watch(call: ServerCall, log: string[]): void {
  call.onOver(() => log.push(`over: ${call.end}`));
  call.onOver(() => {
    log.push('over, throwing');
    throw new Error('in onOver');
  });
  call.onOver(() => log.push('over again'));
  call.onClose(() => {
    log.push('close, throwing');
    throw new Error('in onClose');
  });
  call.onClose(() => log.push('close'));
}

const WHOLE = ['over, throwing', 'over again', 'finally', 'close, throwing', 'close'];

describe('A session', () => {
  it('tells the method’s name and its connection', async () => {
    const { client } = start({
      who: (call: ServerCall) => [call.method.name, call.connection.id, call.connection.headers],
    });
    const { server } = engine;
    expect(await client.test.who()).toEqual(['test.who', [...server.connections][0]?.id, {}]);
  });

  it('runs what was to run when the call is over and when it is closed, in order, each on its own', async () => {
    const log: string[] = [];
    const body = async function* (call: ServerCall, error?: boolean): AsyncGenerator<number> {
      watch(call, log);
      try {
        yield 1;
        if (error === true) throw new Error('broken');
        if (error === false) for (;;) yield 2;
      } finally {
        log.push('finally');
      }
    };
    const { client, closeFailures } = start({ body });

    expect(await collect(client.test.body())).toEqual([1]);
    await until(() => log.includes('close'));
    expect(log.splice(0)).toEqual(['finally', 'over: ended', ...WHOLE.filter(isNotFinally)]);

    await failure(collect(client.test.body(true)));
    await until(() => log.includes('close'));
    expect(log.splice(0)).toEqual(['finally', 'over: error', ...WHOLE.filter(isNotFinally)]);

    for await (const _ of client.test.body(false)) break;
    await until(() => log.includes('close'));
    expect(log.splice(0)).toEqual(['over: cancelled', ...WHOLE]);
    expect(closeFailures.map((error) => (error as Error).message)).toEqual([
      'in onOver',
      'in onClose',
      'in onOver',
      'in onClose',
      'in onOver',
      'in onClose',
    ]);
  });

  it('does the same for a promise method, whichever way it ends', async () => {
    const log: string[] = [];
    const { client } = start({
      async promise(call, how: string) {
        watch(call, log);
        if (how === 'error') throw new Error('broken');
        if (how === 'hang') {
          await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
        }
        return how;
      },
    });
    await client.test.promise('ends');
    await failure(client.test.promise('error'));
    const output = client.test.promise('hang');
    await until(() => engine.server.callCount === 1);
    output.cancel();
    await until(() => log.filter((entry) => entry === 'close').length === 3);
    const rest = WHOLE.filter(isNotFinally);
    expect(log).toEqual([
      ...['over: ended', ...rest],
      ...['over: error', ...rest],
      ...['over: cancelled', ...rest],
    ]);
  });

  it('closes only after a handler that was cancelled has come to rest', async () => {
    const log: string[] = [];
    let wake: () => void = () => undefined;
    const { client, server } = start({
      async *stuck(call) {
        watch(call, log);
        try {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          yield 1;
        } finally {
          log.push('finally');
        }
      },
    });
    const output = client.test.stuck();
    await until(() => server.callCount === 1);
    output.cancel();
    await until(() => log.length === 3);
    expect(log).toEqual(['over: cancelled', 'over, throwing', 'over again']);
    wake();
    await until(() => log.includes('close'));
    expect(log).toEqual(['over: cancelled', ...WHOLE]);
  });

  it('runs at once what is given to it late', async () => {
    let late: ServerCall | undefined;
    const { client } = start({
      keep: (call) => {
        late = call;
      },
    });
    await client.test.keep();
    await until(() => engine.server.callCount === 0);
    const log: string[] = [];
    if (late !== undefined) watch(late, log);
    expect(log).toEqual(['over: ended', ...WHOLE.filter(isNotFinally)]);
  });

  it('ends its inputs when it is over, and a loop over one that waits', async () => {
    let left = false;
    const { client } = start({
      async *reads(call, input: AsyncIterable<unknown>) {
        const reading = collect(input).then(() => {
          left = true;
        });
        yield 1;
        await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
        await reading;
      },
    });
    let cancelled = false;
    const input = new StreamController<number>({ onCancel: () => (cancelled = true) });
    for await (const _ of client.test.reads(input)) break;
    await until(() => left && cancelled);
  });
});

function isNotFinally(entry: string): boolean {
  return entry !== 'finally';
}
