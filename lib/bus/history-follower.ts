import { BusUnavailableError } from './bus-error.js';
import type { HistoryGapReason } from './gap.js';
import type { HistoryPage, HistoryRecord, HistoryStart } from './history-driver.js';

/** Where a follower puts what it makes out, and what it reads from. No member throws. */
export interface FollowerPorts {
  read(from: HistoryStart, limit: number): Promise<HistoryPage>;
  /** Takes the next record, whatever its kind. */
  record(record: HistoryRecord): void;
  /** Records are missing here. */
  gap(reason: HistoryGapReason): void;
  /** How many records may be given to `record` now. */
  room(): number;
  /** There was no room: `resume()` is awaited. */
  full(): void;
  /** Everything published so far was given out: what is offered from here on follows. */
  live(): void;
  /** The history can't be read, for good. */
  failed(error: unknown): void;
}

/** The most records that are read at a time, and the most that wait meanwhile. */
const PAGE = 512;
const RETRY_MS = 100;

/**
 * Makes out of records that arrive with holes and twice the whole chain, each record once and in
 * order, or says where it can't. It knows the position of the last record it gave out. One that is
 * offered and follows it is passed on. Any other is either known already or proof that something is
 * missing: then the history is read from the last position on, while what is offered waits.
 */
export class HistoryFollower {
  readonly #ports: FollowerPorts;
  #state: 'idle' | 'live' | 'reading' | 'full' | 'closed' = 'idle';
  #position = '';
  /** What arrived while reading. */
  #waiting: HistoryRecord[] = [];
  /** Whether the history must be read once more, because something may have come after it was. */
  #again = false;
  /** What was read before it arrived. An optimisation: what is forgotten here is looked up. */
  readonly #ahead = new Set<string>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Whether a gap was told just now, in this turn and at this place: another one says no more. */
  #isTold = false;

  constructor(ports: FollowerPorts) {
    this.#ports = ports;
  }

  /** The last record that was given out, or that nothing before is to be. */
  get position(): string {
    return this.#position;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** Begins behind a position of which nothing published since has been missed. */
  beginLive(position: string): void {
    this.#position = position;
    this.#state = 'live';
  }

  /** Begins by reading; what is offered from this call on is not lost. */
  begin(from: HistoryStart): void {
    if (typeof from === 'object' && 'after' in from) this.#position = from.after;
    void this.#read(from);
  }

  /** Takes a record as it arrives. */
  offer(record: HistoryRecord): void {
    if (this.#state !== 'live') this.#keep(record);
    else if (record.previous === this.#position) this.#follow(record);
    else if (!this.#knows(record)) void this.#read({ after: this.#position });
  }

  /** Looks for what has not arrived. */
  check(): void {
    if (this.#state === 'live') void this.#read({ after: this.#position });
    else this.#again = true;
  }

  /** There is room again. */
  resume(): void {
    if (this.#state === 'full') void this.#read({ after: this.#position });
  }

  close(): void {
    this.#state = 'closed';
    this.#waiting = [];
    clearTimeout(this.#retry);
  }

  #follow(record: HistoryRecord): void {
    this.#isTold = false;
    if (this.#ports.room() < 1) return this.#wait();
    if (this.#ahead.size > 0) this.#ahead.clear();
    this.#take(record);
  }

  #knows({ position }: HistoryRecord): boolean {
    return position === this.#position || this.#ahead.has(position);
  }

  #keep(record: HistoryRecord): void {
    if (this.#state !== 'reading') return;
    if (this.#waiting.length < PAGE) this.#waiting.push(record);
    else {
      // The history has them, too.
      this.#waiting = [];
      this.#again = true;
    }
  }

  #take(record: HistoryRecord): void {
    this.#position = record.position;
    if (record.kind === 'loss') return this.#lost('reset');
    this.#isTold = false;
    this.#ports.record(record);
  }

  #lost(reason: HistoryGapReason): void {
    if (!this.#isTold) this.#ports.gap(reason);
    this.#isTold = true;
  }

  #wait(): void {
    this.#state = 'full';
    this.#waiting = [];
    this.#ports.full();
  }

  async #read(from: HistoryStart): Promise<void> {
    const limit = Math.min(this.#ports.room(), PAGE);
    if (limit < 1) return this.#wait();
    this.#state = 'reading';
    this.#again = false;
    try {
      const page = await this.#ports.read(from, limit);
      if (this.#isReading()) this.#arrived(from, page);
    } catch (error) {
      if (this.#isReading()) this.#failed(from, error);
    }
  }

  // Asked by way of a function, because the compiler takes the state for what it was before.
  #isReading(): boolean {
    return this.#state === 'reading';
  }

  #failed(from: HistoryStart, error: unknown): void {
    if (error instanceof BusUnavailableError)
      this.#retry = setTimeout(() => void this.#read(from), RETRY_MS);
    else this.#ports.failed(error);
  }

  #arrived(from: HistoryStart, page: HistoryPage): void {
    this.#isTold = false;
    if (page.gap !== undefined) this.#lost(page.gap);
    if (page.gap !== undefined || !isAfter(from)) this.#position = firstPosition(page);
    for (const record of page.records) {
      if (!this.#isReading()) return;
      this.#takeRead(record);
    }
    if (!this.#isReading()) return;
    if (this.#again || this.#position !== page.last) this.#readOn(page);
    else this.#goLive();
  }

  #takeRead(record: HistoryRecord): void {
    if (record.previous !== this.#position) this.#lost('reset');
    if (this.#ahead.size > 2 * PAGE) this.#ahead.clear();
    this.#ahead.add(record.position);
    this.#take(record);
  }

  /** A history whose end can't be reached by reading has lost it. */
  #readOn({ records, last }: HistoryPage): void {
    if (records.length === 0 && this.#position !== last) {
      this.#lost('reset');
      this.#position = last;
    }
    void this.#read({ after: this.#position });
  }

  #goLive(): void {
    this.#state = 'live';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const record of waiting) this.offer(record);
    if (this.isLive) this.#ports.live();
  }
}

function isAfter(from: HistoryStart): boolean {
  return typeof from === 'object' && 'after' in from;
}

function firstPosition({ records, last }: HistoryPage): string {
  return records[0]?.previous ?? last;
}
