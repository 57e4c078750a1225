import { randomBytes } from 'node:crypto';
import type { ChannelHistory } from './define-channel.js';
import type { HistoryGapReason } from './gap.js';
import {
  gapAfter,
  type HistoryPage,
  type HistoryRecord,
  type HistoryStart,
} from './history-driver.js';

interface Entry {
  readonly record: HistoryRecord;
  /** In ms of `performance.now()`, as all times here. */
  readonly at: number;
}

/** The history of one channel in the memory of the process: records numbered from 1. */
export class HistoryLog {
  // Positions of another log, of an earlier process say, must not look like this one's.
  readonly #name = randomBytes(9).toString('base64url');
  readonly #entries = new Map<number, Entry>();
  #oldest = 1;
  #newest = 0;
  #last = '';
  #lastAt = 0;
  #trimmedAt = Number.NEGATIVE_INFINITY;

  /** The position of the newest record; `''` when there never was one. */
  get last(): string {
    return this.#last;
  }

  get lastAt(): number {
    return this.#lastAt;
  }

  append(message: unknown, history: ChannelHistory): HistoryRecord {
    const previous = this.#last;
    this.#newest += 1;
    this.#last = `${this.#newest}.${this.#name}`;
    this.#lastAt = performance.now();
    const record = { position: this.#last, previous, kind: 'message', message } as const;
    this.#entries.set(this.#newest, { record, at: this.#lastAt });
    this.trim(history);
    return record;
  }

  read(from: HistoryStart, limit: number, history: ChannelHistory): HistoryPage {
    this.trim(history);
    const last = this.#last;
    if (from === 'end') return { records: [], last };
    const records: HistoryRecord[] = [];
    for (let n = this.#firstOf(from); n <= this.#newest && records.length < limit; n += 1)
      records.push(this.#entry(n).record);
    return { records, last, gap: this.#gapBefore(from, records[0]?.previous ?? last) };
  }

  /** Lets go of what is too much or too old. */
  trim({ size, ttlMs }: ChannelHistory): void {
    const tooOld = performance.now() - ttlMs;
    while (this.#entries.size > size) this.#letGo();
    while (this.#entries.size > 0 && this.#entry(this.#oldest).at <= tooOld) this.#letGo();
  }

  #letGo(): void {
    this.#trimmedAt = this.#entry(this.#oldest).at;
    this.#entries.delete(this.#oldest);
    this.#oldest += 1;
  }

  #firstOf(from: Exclude<HistoryStart, 'end'>): number {
    if (from === 'start') return this.#oldest;
    if ('agoMs' in from) return this.#firstSince(performance.now() - from.agoMs);
    return Math.max(this.#oldest, this.#numberOf(from.after) + 1);
  }

  #gapBefore(from: Exclude<HistoryStart, 'end'>, reached: string): HistoryGapReason | undefined {
    if (from === 'start') return undefined;
    if ('agoMs' in from)
      return this.#trimmedAt >= performance.now() - from.agoMs ? 'trimmed' : undefined;
    const number = this.#numberOf(from.after);
    const isForeign = from.after !== '' && number === 0;
    return gapAfter(from.after, reached, isForeign || number >= this.#oldest);
  }

  /** The number in a position; 0 for one that this log never gave. */
  #numberOf(position: string): number {
    const [number, name] = position.split('.');
    const isOurs = name === this.#name && Number(number) <= this.#newest;
    return isOurs ? Number(number) : 0;
  }

  /** The first entry that is no older: its number is found by halving. */
  #firstSince(at: number): number {
    let [low, high] = [this.#oldest, this.#newest + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#entry(middle).at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #entry(number: number): Entry {
    return this.#entries.get(number) as Entry;
  }
}
