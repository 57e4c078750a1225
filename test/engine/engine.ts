import { expect } from 'vitest';
import { createClient } from '../../lib/client/create-client.js';
import type { ClientOptions } from '../../lib/client/options.js';
import type { OpenedStream, StreamingClientControl } from '../../lib/client/types.js';
import { type ModelClass, ModelRegistry } from '../../lib/model/registry.js';
import type { Limits } from '../../lib/protocol/limits.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import type { ServerMethod } from '../../lib/server/method.js';
import type { ServerHooks } from '../../lib/server/server-hooks.js';
import { StreamingServer } from '../../lib/server/streaming-server.js';
import { createMemoryConnect } from '../../lib/testing/memory-connect.js';
import { type TimerWatch, watchTimers } from './timers.js';

/** A method of the engine under test: what a Nest handler would be. */
// biome-ignore lint/suspicious/noExplicitAny: handlers declare what they take
export type Handler = (call: ServerCall, ...args: any[]) => unknown;

/** A client's method, untyped: the types have tests of their own. */
export type Method = (...args: unknown[]) => OpenedStream<unknown> & Promise<unknown>;
export type Methods<H> = { readonly [Name in keyof H]: Method };
export type EngineClient<H> = { readonly test: Methods<H> } & StreamingClientControl;

export interface EngineOptions {
  readonly codec?: CodecName;
  readonly models?: readonly ModelClass[];
  readonly limits?: Partial<Limits>;
  readonly clientLimits?: Partial<Limits>;
  readonly client?: ClientOptions;
  readonly hooks?: ServerHooks;
  /** What clients are told of what handlers throw. */
  readonly toStreamError?: (error: unknown) => StreamError | Promise<StreamError>;
}

/** The real server and the real client, joined in memory. */
export interface Engine<H = unknown> {
  readonly server: StreamingServer;
  readonly client: EngineClient<H>;
  /** The server's models. */
  readonly models: ModelRegistry;
  readonly failures: { readonly error: unknown; readonly told: StreamError }[];
  readonly late: unknown[];
  /** The handlers that did not settle in time. */
  readonly stuck: string[];
  /** What functions given to `onOver` and `onClose` threw. */
  readonly closeFailures: unknown[];
  /** Closes both and proves that nothing is left: no call, no connection, no timer. */
  close(): Promise<void>;
}

export function createEngine<H extends Record<string, Handler>>(
  handlers: H,
  options: EngineOptions = {},
): Engine<H> {
  const timers = watchTimers();
  const failures: Engine['failures'] = [];
  const late: unknown[] = [];
  const stuck: string[] = [];
  const closeFailures: unknown[] = [];
  const models = new ModelRegistry(options.models ?? []);
  const server = new StreamingServer({
    methods: createMethods(handlers),
    models,
    limits: options.limits,
    toStreamError: options.toStreamError ?? toldInGeneral,
    hooks: {
      callFailed: (_, error, told) => failures.push({ error, told }),
      handlerFailedLate: (_, error) => late.push(error),
      handlerStuck: (call) => stuck.push(call.method.name),
      closeFunctionFailed: (_, error) => closeFailures.push(error),
      ...options.hooks,
    },
  });
  const { codec = 'json', clientLimits = {} } = options;
  const client = createClient(
    { codec, models: options.models ?? [], limits: clientLimits, ...options.client },
    createMemoryConnect(server),
  ) as unknown as EngineClient<H>;
  return {
    server,
    client,
    models,
    failures,
    late,
    stuck,
    closeFailures,
    close: () => close(server, client, timers),
  };
}

function toldInGeneral(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  return new StreamError('internal', 'Told in general.', { id: 'x' });
}

function createMethods(handlers: Record<string, Handler>): Map<string, ServerMethod> {
  const push = {
    capacity: 16,
    overflowError: () => new StreamError('slow-consumer', 'Too slow.'),
  };
  return new Map(
    Object.entries(handlers).map(([name, handler]) => [
      `test.${name}`,
      {
        name: `test.${name}`,
        push,
        invoke: invokes(handler),
      },
    ]),
  );
}

async function close(
  server: StreamingServer,
  client: StreamingClientControl,
  timers: TimerWatch,
): Promise<void> {
  try {
    await client.close();
    await until(() => server.connections.size === 0 && server.callCount === 0);
    await server.close(100);
    expect(client.status).toBe('closed');
    expect(timers.pending()).toEqual([]);
  } finally {
    timers.stop();
  }
}

/** A method of the engine does what every one must: it throws what is wrong with its arguments. */
export function invokes(handler: Handler): ServerMethod['invoke'] {
  return (call, args) => {
    if (call.problem !== undefined) throw call.problem;
    return handler(call, ...args);
  };
}

/** Waits for a condition, turn by turn; fails after two seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 2_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Never came: ${condition}`);
    await turn();
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** All items of a stream. */
export async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** What a promise or a stream fails with. */
export async function failure(of: PromiseLike<unknown>): Promise<StreamError> {
  try {
    await of;
  } catch (error) {
    return error as StreamError;
  }
  throw new Error('It did not fail.');
}

/** What was read before the error, and the error. */
export async function readToFailure(stream: AsyncIterable<unknown>) {
  const items: unknown[] = [];
  const reader = stream[Symbol.asyncIterator]();
  try {
    for (let it = await reader.next(); it.done !== true; it = await reader.next()) {
      items.push(it.value);
    }
  } catch (error) {
    if ((await reader.next()).done !== true) throw new Error('Something follows the error.');
    return { items, error: error as StreamError };
  }
  throw new Error('It did not fail.');
}
