import type { ChannelHistory } from './define-channel.js';
import type { HistoryGapReason } from './gap.js';

/**
 * One message of a channel that keeps them, as a link of a chain: each names the one before it, so
 * that whoever holds two of them can tell whether something stood in between. Positions are opaque,
 * and no two records of a channel ever have the same, not even where a server forgot some and
 * counts anew.
 */
export interface HistoryRecord {
  readonly position: string;
  /** The position of the record before; `''` for the first one of a history. */
  readonly previous: string;
  /**
   * What stands here: a message, shared by all subscribers of the process; the word that records
   * published before this one may be lost; or one that can't be read, which is passed over.
   */
  readonly kind: 'message' | 'loss' | 'unreadable';
  readonly message: unknown;
}

/**
 * Where reading begins: after a position, with what is younger than so many ms, with the oldest
 * that is kept, or behind the newest.
 */
export type HistoryStart =
  | { readonly after: string }
  | { readonly agoMs: number }
  | 'start'
  | 'end';

export interface HistoryPage {
  /** In order, each the predecessor of the next. */
  readonly records: readonly HistoryRecord[];
  /** What stands between where reading was to begin and the first of them, and can't be given. */
  readonly gap?: HistoryGapReason | undefined;
  /** The position of the newest record when this was read; `''` when there never was one. */
  readonly last: string;
}

/** Where a driver puts the records of one channel as they are published. No member throws. */
export interface HistoryReceiver {
  /**
   * Takes one record. A driver calls this in order and never from inside itself, but may leave
   * records out and give some twice.
   */
  record(record: HistoryRecord): void;
  /** Tells that records may have been left out up to now: those from here on arrive. */
  resumed(): void;
  /** The channel can't be carried any more: nothing follows. */
  failed(error: unknown): void;
}

/** What stands in `DriverSubscription` is true of it. */
export interface HistorySubscription {
  /** Resolves when the subscription stands. */
  readonly ready: Promise<void>;
  /**
   * The position after which `record` begins, where the driver knows it at once; without it the bus
   * reads it when the subscription stands.
   */
  readonly position?: string | undefined;
  cancel(): void;
}

/**
 * The part of a `BusDriver` that keeps messages. It doesn't have to be faultless in what it passes
 * on: the bus checks the chain of what arrives and reads what is missing.
 * `lib/bus/spec/history.contract.ts` holds a driver to what stands here.
 */
export interface HistoryDriver {
  /**
   * Keeps a message and passes it on, in one step, under the rules of `BusDriver.publish`. The
   * newest `size` records are kept, each for `ttlMs` at least; which record was the last is known
   * for a day longer, so that a silence isn't taken for a loss.
   */
  publish(channel: string, message: unknown, history: ChannelHistory): Promise<void>;

  /** Registers the receiver of a channel under the rules of `BusDriver.subscribe`. */
  subscribe(
    channel: string,
    history: ChannelHistory,
    receiver: HistoryReceiver,
  ): HistorySubscription;

  /**
   * Reads at most `limit` records, fewer when they are large, but one where there is one. Rejects
   * with a `BusUnavailableError` when it can't be reached, and with any other error when the history
   * can never be read.
   */
  read(
    channel: string,
    history: ChannelHistory,
    from: HistoryStart,
    limit: number,
  ): Promise<HistoryPage>;
}

/** For how long after its last record a history knows what that was, in ms, beyond its `ttlMs`. */
export const KNOWN_FOR_MS = 24 * 60 * 60 * 1000;

/**
 * What is missing between a position and what a driver found after it.
 *
 * @param reached the position before the first record found; the last one where none was found.
 * @param hasOlder whether records are kept that are as old as the position, or older.
 */
export function gapAfter(
  position: string,
  reached: string,
  hasOlder: boolean,
): HistoryGapReason | undefined {
  if (reached === position) return undefined;
  // Histories are trimmed from their old end: what is missing further on was lost otherwise.
  return hasOlder || reached === '' ? 'reset' : 'trimmed';
}
