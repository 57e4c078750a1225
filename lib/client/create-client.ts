import { type CallContext, CallOutput, ClientCall } from './call.js';
import { ClientCore } from './client-core.js';
import type { Connect } from './connect.js';
import { type ClientOptions, resolveClientOptions } from './options.js';
import type { StreamingClient, StreamingClientControl } from './types.js';

type Endpoint = Readonly<Record<string, (...args: unknown[]) => CallOutput>>;

/**
 * Makes a client over a way to connect. `captureContext` is called for each call, by the function
 * that the application calls: its inputs are read in the asynchronous context that it captures, where
 * the platform has any.
 */
export function createClient<T>(
  options: ClientOptions,
  connect: Connect,
  captureContext: () => CallContext = () => NO_CONTEXT,
): StreamingClient<T> {
  const parts = resolveClientOptions(options, connect);
  const core = new ClientCore(parts);
  const control: StreamingClientControl = {
    get status() {
      return core.status;
    },
    onStatus: (listener) => core.onStatus(listener),
    close: () => core.close(),
    refreshCredentials: () => core.refreshCredentials(),
  };
  const endpoint = (name: string): Endpoint =>
    named((method) => (...args) => {
      const call = new ClientCall(`${name}.${method}`, args, parts.limits, {
        reopens: parts.credentials !== undefined,
        ...captureContext(),
      });
      core.use(call);
      return new CallOutput(call);
    });
  return named(endpoint, control) as unknown as StreamingClient<T>;
}

const NO_CONTEXT: CallContext = { run: (run) => run() };

/** Names that JavaScript itself asks for, when such an object is awaited or turned into JSON. */
const NOT_NAMES: ReadonlySet<string> = new Set(['then', 'toJSON']);

/**
 * An object whose every property is made on demand, once, from its name. Looking at it, printing it
 * or comparing it makes no call.
 */
function named<V>(make: (name: string) => V, own: object = {}): Readonly<Record<string, V>> {
  const made = new Map<string, V>();
  Object.defineProperty(own, Symbol.toPrimitive, { value: () => '[object StreamingClient]' });
  return new Proxy(own, {
    get(target, name) {
      if (typeof name === 'symbol' || NOT_NAMES.has(name) || Object.hasOwn(target, name)) {
        return Reflect.get(target, name) as V;
      }
      let value = made.get(name);
      if (value === undefined) {
        value = make(name);
        made.set(name, value);
      }
      return value;
    },
  }) as Readonly<Record<string, V>>;
}
