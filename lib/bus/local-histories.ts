import type { ChannelHistory } from './define-channel.js';
import {
  type HistoryDriver,
  type HistoryPage,
  type HistoryReceiver,
  type HistoryStart,
  type HistorySubscription,
  KNOWN_FOR_MS,
} from './history-driver.js';
import { HistoryLog } from './history-log.js';

/** What a process has of one channel with history. */
interface Kept {
  readonly log: HistoryLog;
  receiver: HistoryReceiver | undefined;
  /** Runs when everything in the log is due to go, and later when the log is. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer runs, in ms of `performance.now()`; infinite without one. */
  dueAt: number;
}

/** The histories of a bus that stays in its process. They are gone with it. */
export class LocalHistories implements HistoryDriver {
  readonly #inTurn: (deliver: () => void) => void;
  readonly #channels = new Map<string, Kept>();
  readonly #done = Promise.resolve();

  /** @param inTurn runs what delivers, when nothing else is delivered. */
  constructor(inTurn: (deliver: () => void) => void) {
    this.#inTurn = inTurn;
  }

  publish(channel: string, message: unknown, history: ChannelHistory): Promise<void> {
    const kept = this.#keep(channel);
    const record = kept.log.append(message, history);
    if (kept.dueAt > kept.log.lastAt + history.ttlMs)
      this.#sweepIn(history.ttlMs, channel, kept, history);
    this.#inTurn(() => kept.receiver?.record(record));
    return this.#done;
  }

  subscribe(
    channel: string,
    _history: ChannelHistory,
    receiver: HistoryReceiver,
  ): HistorySubscription {
    const kept = this.#keep(channel);
    kept.receiver = receiver;
    const cancel = () => {
      if (kept.receiver !== receiver) return;
      kept.receiver = undefined;
      if (kept.timer === undefined) this.#channels.delete(channel);
    };
    return { ready: this.#done, position: kept.log.last, cancel };
  }

  async read(
    channel: string,
    history: ChannelHistory,
    from: HistoryStart,
    limit: number,
  ): Promise<HistoryPage> {
    const log = this.#channels.get(channel)?.log ?? new HistoryLog();
    return log.read(from, limit, history);
  }

  close(): void {
    for (const { timer } of this.#channels.values()) clearTimeout(timer);
    this.#channels.clear();
  }

  #keep(channel: string): Kept {
    const kept = this.#channels.get(channel) ?? {
      log: new HistoryLog(),
      receiver: undefined,
      timer: undefined,
      dueAt: Number.POSITIVE_INFINITY,
    };
    this.#channels.set(channel, kept);
    return kept;
  }

  #sweepIn(ms: number, channel: string, kept: Kept, history: ChannelHistory): void {
    clearTimeout(kept.timer);
    kept.dueAt = performance.now() + ms;
    kept.timer = setTimeout(() => this.#sweep(channel, kept, history), Math.min(ms, MAX_TIMER_MS));
    kept.timer.unref();
  }

  #sweep(channel: string, kept: Kept, history: ChannelHistory): void {
    kept.timer = undefined;
    kept.dueAt = Number.POSITIVE_INFINITY;
    kept.log.trim(history);
    const silentMs = performance.now() - kept.log.lastAt;
    const { ttlMs } = history;
    if (silentMs < ttlMs) this.#sweepIn(ttlMs - silentMs, channel, kept, history);
    else if (silentMs < ttlMs + KNOWN_FOR_MS)
      this.#sweepIn(ttlMs + KNOWN_FOR_MS - silentMs, channel, kept, history);
    else if (kept.receiver === undefined) this.#channels.delete(channel);
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1;
