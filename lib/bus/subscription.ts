import type { Overflow } from '../stream/overflow.js';
import type { ChannelDefinition } from './define-channel.js';
import type { GapListener } from './gap.js';
import type { HistoryStart } from './history-driver.js';
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

/** What can be asked for on every channel. */
interface ReadingOptions {
  /**
   * Told of the places where messages are missing or may be: the reader's state may be wrong from
   * there on, and it does well to fetch it anew. @default the hook `gap`: a line in the log
   */
  readonly onGap?: GapListener | undefined;
  /**
   * What becomes of messages the reader is too slow for. On a channel with history the default is
   * that they are read again later, as long as they are kept. @default 'error'
   */
  readonly overflow?: Overflow | undefined;
  /** How many messages may wait for the reader; a whole number from 1. @default 4096 */
  readonly capacity?: number | undefined;
}

/**
 * Where to begin in a channel with history: `'start'` with the oldest message that is kept, `agoMs`
 * with the oldest that is no older than so many ms, and with a subscription's `position` behind the
 * message it had read. What isn't kept any more is told as a gap, but for `'start'`. A position that
 * this channel never had, made up by a client say, is one whose history was reset.
 */
export type HistorySince = 'start' | (string & {}) | { readonly agoMs: number };

/** What can be asked for where the channel was made by `defineChannel()`. */
export interface ChannelSubscribeOptions extends ReadingOptions {
  /** Begin in the past; the channel must have a history. @default with what is published next */
  readonly since?: HistorySince | undefined;
}

/** What can be asked for with a listener; `since` where the channel has a history. */
export type ListenOptions = Pick<ChannelSubscribeOptions, 'onGap' | 'since'>;

export interface SubscribeOptions extends ReadingOptions {
  /**
   * What the messages must be instances of: a class, or `() => X`, or `() => [X, Y]`. A message of
   * another type arrives as an error in the loop of this subscription, which then goes on.
   */
  readonly type?: MessageType | undefined;
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
  /**
   * On a channel with history, where the message stands that was taken last: given as `since`, a
   * subscription anywhere goes on behind it. Before the first one, where it began, as soon as that is
   * known. A string without a meaning of its own; it may be kept, and sent to clients.
   */
  readonly position: string | undefined;
  /** Gives the subscription up: what is queued is let go and the loop ends. Harmless when repeated. */
  cancel(): void;
  return(): Promise<IteratorReturnResult<undefined>>;
}

/**
 * Where reading a history begins.
 *
 * @throws TypeError for a channel without one, or for what is none of the three.
 */
export function toStart({ name, history }: ChannelDefinition, since: HistorySince): HistoryStart {
  if (history === undefined)
    throw new TypeError(
      `The channel "${name}" has no history, so since can't be used: defineChannel() gives it one.`,
    );
  if (since === 'start') return 'start';
  if (typeof since === 'string') return { after: since };
  const agoMs: unknown = since?.agoMs;
  if (Number.isSafeInteger(agoMs) && Number(agoMs) >= 0) return { agoMs: Number(agoMs) };
  throw new TypeError(
    "since must be 'start', the position of a subscription, or { agoMs } with a whole number of ms.",
  );
}
