import type { StreamError } from '../protocol/stream-error.js';
import type { ServerCall, ServerPeer } from './call.js';

/** What the engine tells of itself: it never logs. None of these may throw. */
export interface ServerHooks {
  /** A page of this origin wished to connect, and may not. */
  originRefused?(origin: string, remoteAddress: string | undefined): void;
  /** A page of another host connects; its cookies, or what else its browser added, don't count. */
  credentialsDropped?(origin: string, remoteAddress: string | undefined): void;
  connectionOpened?(connection: ServerPeer): void;
  /**
   * The client presented credentials, with its first frame or later: before any frame behind them
   * is looked at.
   */
  credentialsPresented?(connection: ServerPeer): void;
  connectionClosed?(connection: ServerPeer, code: number, reason: string): void;
  /** A call ended with an error: what was thrown, and what the client was told. */
  callFailed?(call: ServerCall, error: unknown, told: StreamError): void;
  /** A handler threw when its call was over already: in its cleanup, say. The client isn't told. */
  handlerFailedLate?(call: ServerCall, error: unknown): void;
  /** A handler still runs this many ms after its call was over. */
  handlerStuck?(call: ServerCall, afterMs: number): void;
  /** The overflow of a call's output cost an item. */
  itemDropped?(call: ServerCall): void;
  /** A function given to `onClose` or `onOver` threw. */
  closeFunctionFailed?(call: ServerCall, error: unknown): void;
  /** An error in the engine itself; the connection was closed. */
  connectionBroken?(connection: ServerPeer, error: unknown): void;
}
