/**
 * Why messages are missing at a place in a subscription, or may be:
 * - `overflow`: its reader was too slow and its declared overflow let them go;
 * - `connection`: the way to the other servers was interrupted, and the channel keeps no history;
 * - `trimmed`: the channel's history has let them go, being too many or too old;
 * - `reset`: the history is not the one it was: it was deleted, or a failover has lost its end.
 */
export type GapReason = 'overflow' | 'connection' | HistoryGapReason;

/** What can happen to a history. */
export type HistoryGapReason = 'trimmed' | 'reset';

/** A place in a channel's messages where some were lost, or may have been. */
export interface Gap {
  readonly reason: GapReason;
  /** The same for people, with what is known. */
  readonly detail: string;
  /** How many messages, where that is known: it is for `overflow`. */
  readonly missed?: number | undefined;
}

/**
 * Called at the gap's place among the messages: after the last message before it was handled, that
 * is when the reader asks for the next, and before the first one after it is given out. What it
 * throws is reported to the hook `listenerFailed`.
 */
export type GapListener = (gap: Gap) => void;

/** What is told of a channel's history. */
export function historyGap(reason: HistoryGapReason): Gap {
  return { reason, detail: DETAILS[reason] };
}

const DETAILS = {
  trimmed: 'the history has let messages go that were not read yet',
  reset: 'the history was deleted, or a failover has lost its end',
};
