import type { Limits } from '../protocol/limits.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { PushOptions } from '../stream/source.js';

/** The client a call came from. */
export interface ServerPeer {
  /** The connection's id. */
  readonly id: string;
  /** The headers of its WebSocket handshake. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly remoteAddress: string | undefined;
  /** The newest credentials it presented. */
  readonly credentials: string | null;
  readonly limits: Limits;
  /** Asks the client to present fresh credentials. One that can't does nothing. */
  askCredentials(): void;
  /** Sends what was gathered, now. */
  flush(): void;
  /** Asks the client to open its next calls on another connection; those that run go on. */
  drain(): void;
  /** Closes the connection: too many of the credentials it presented were refused. */
  refuse(): void;
  /**
   * Has a question asked each time that what was gathered is to be sent, for as long as calls run
   * here whose items may not be written any more once something has happened elsewhere: a process
   * that was stopped finds out so. `false` throws it away and closes the connection. It may not throw.
   */
  guardFlush(mayFlush: (() => boolean) | undefined): void;
}

/** How a call ended. */
export type CallEnd = 'ended' | 'error' | 'cancelled' | 'connection-lost';

/**
 * One run of a streaming method, as the method sees it. Two things end, one after the other: the
 * call, when the wire is done with it, and the handler, when its cleanup has run.
 */
export interface ServerCall {
  /** Unique in this process. */
  readonly id: string;
  readonly connection: ServerPeer;
  readonly method: { readonly name: string };
  /** Aborted when the call is over, for whatever reason. Made when first asked for. */
  readonly signal: AbortSignal;
  /**
   * Why the arguments could not be read; there are none then. The method throws it, once it knows
   * that this client may call it at all.
   */
  readonly problem: StreamError | undefined;
  /** How what can't be paused is read for this call; what its overflow costs is counted here. */
  readonly push: PushOptions;
  /** How many items the overflow of the call's output has cost. */
  readonly dropped: number;
  /** How the call ended; `undefined` while it runs. */
  readonly end: CallEnd | undefined;
  /**
   * Keeps the asynchronous context of this moment (what `AsyncLocalStorage` gives): the stream that
   * the method returns is read and let go in it. Without it that is the one `invoke` began in.
   */
  keepContext(): void;
  /**
   * Keeps the call's place, and its session open, until what still runs for it has come to rest,
   * although its result is there. What that rejects with comes too late: it is for the log.
   */
  keepUntil(rest: Promise<unknown>): void;
  /**
   * Lets no item be written, from now until `release` was called as often: not even what the handler
   * gives just then, nor the end or the error of its stream. Inputs flow on.
   */
  hold(): void;
  release(): void;
  /** Ends it with an error from outside the handler, which is told as if it was cancelled. */
  fail(error: unknown): void;
  /**
   * Runs a function as soon as the call is over, before the handler's cleanup: for what must wake a
   * handler that waits. At once when it is over already.
   */
  onOver(run: () => void): void;
  /** Runs a function once the handler has settled, after its `finally`. At once when it has. */
  onClose(run: () => void): void;
}
