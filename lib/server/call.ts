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
   * Runs a function as soon as the call is over, before the handler's cleanup: for what must wake a
   * handler that waits. At once when it is over already.
   */
  onOver(run: () => void): void;
  /** Runs a function once the handler has settled, after its `finally`. At once when it has. */
  onClose(run: () => void): void;
}
