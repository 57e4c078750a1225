import type { PushOptions } from '../stream/source.js';
import type { ServerCall } from './call.js';

/**
 * One streaming method, as the engine sees it: the port behind which Nest stands.
 */
export interface ServerMethod {
  /** The name on the wire: `endpoint.method`. */
  readonly name: string;
  /** How an observable it returns is read, because it can't be paused. */
  readonly push: PushOptions;
  /**
   * Runs one call; called once for each, in the turn its `open` frame arrived. `args` holds the
   * client's arguments in order; an input's place holds an `Inbox`, an async iterable that may be
   * read once. Throws `call.problem`, if there is one, once it knows that the client may call it.
   * Returns an async iterable, an observable, a `ReadableStream`, a promise of any of
   * these, or a plain value or promise, which is the call's only item; `undefined` is none. What
   * it throws or rejects with ends the call through `StreamingServerOptions.toStreamError`.
   */
  invoke(call: ServerCall, args: unknown[]): unknown;
}

/** Where the engine looks up the methods a client names. A `Map` will do. */
export interface MethodTable {
  get(name: string): ServerMethod | undefined;
}
