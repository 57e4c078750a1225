import type { Overflow } from '../stream/overflow.js';
import type { MessageClass, MessageType } from './message-type.js';

/**
 * How far a published message goes: `local` stays in this process, `global` goes to every server
 * of the cluster and fails where there is none, `auto` goes as far as the bus can reach.
 */
export type MessageScope = 'auto' | 'global' | 'local';

export interface PublishOptions {
  /** @default 'auto' */
  readonly scope?: MessageScope | undefined;
}

export interface SubscribeOptions {
  /**
   * What the messages must be instances of: a class, or `() => X`, or `() => [X, Y]`. A message of
   * another type arrives as an error in the loop of this subscription, which then goes on.
   */
  readonly type?: MessageType | undefined;
  /** What becomes of messages the reader is too slow for. @default 'error' */
  readonly overflow?: Overflow | undefined;
  /** How many messages may wait for the reader; a whole number from 1. @default 4096 */
  readonly capacity?: number | undefined;
}

/** Options whose `type` tells the compiler what the messages are. */
export interface TypedSubscribeOptions<C extends MessageClass> extends SubscribeOptions {
  readonly type: MessageType<C>;
}

/**
 * Called with each message of a channel. Whatever it throws or rejects with is reported to the
 * hook `listenerFailed`; a promise it returns is not waited for.
 */
export type MessageListener<T = unknown> = (message: T) => unknown;

/**
 * The messages of one channel, from the call to `subscribe` on, for one reader. Leaving a
 * `for await` by `break`, `return` or a throw in its body cancels it. It ends with a
 * `slow-consumer` error when the reader falls behind and its overflow is `error`.
 *
 * A message of another type than declared makes one `next()` reject with an `invalid-argument`
 * error, and the next one goes on. `for await` does not cancel when that happens: a reader either
 * catches the error and starts its loop again on the same subscription, or calls `cancel()`.
 * `yield*` is over after such an error; loop and `yield` to go on.
 */
export interface Subscription<T> extends AsyncIterableIterator<T, undefined, unknown> {
  /**
   * Resolves when messages published anywhere in the cluster arrive, at once in a single process,
   * and when the subscription is over before that. Rejects when the channel can't be subscribed to;
   * the loop throws the same error. Nobody needs to wait for it.
   */
  readonly ready: Promise<void>;
  /** How many messages the overflow has cost. */
  readonly dropped: number;
  /** Gives the subscription up: what is queued is let go and the loop ends. Harmless when repeated. */
  cancel(): void;
  return(): Promise<IteratorReturnResult<undefined>>;
}
