import { Ring } from '../stream/ring.js';
import type { Gap, GapReason } from './gap.js';

/** A gap before the entry of that number. */
interface Mark {
  at: number;
  gap: Gap;
}

/**
 * Where the reader of a subscription is: what its queue doesn't know of the entries. It numbers them
 * in the order in which they come and go, so that a gap is told between the messages it lies
 * between, and knows for each where it stands in the channel's history.
 */
export class ReadingPlace {
  readonly #tell: ((gap: Gap) => void) | undefined;
  /** Made with the first: most channels keep no history. */
  #positions: Ring<string> | undefined;
  #entered = 0;
  #left = 0;
  /** How many readers wait: only while nothing is queued. */
  #readers = 0;
  #marks: Mark[] = [];
  #position: string | undefined;

  /** @param tell told of each gap when the reader gets there; absent, nobody is. */
  constructor(tell: ((gap: Gap) => void) | undefined) {
    this.#tell = tell;
  }

  /** Where the message stands that was taken last; at first, where the subscription began. */
  get position(): string | undefined {
    return this.#position;
  }

  begin(position: string): void {
    this.#position ??= position;
  }

  /** An entry came in, or went to a reader that waited. */
  entered(position: string | undefined): void {
    this.#entered += 1;
    if (position !== undefined) this.#add(position);
    if (this.#readers === 0) return;
    this.#readers -= 1;
    this.#taken();
  }

  /** A reader asks for the next entry, where so many are queued. */
  asked(queued: number): void {
    if (queued === 0) this.#readers += 1;
    else this.#taken();
  }

  /** Tells the gaps that the reader has reached. Before `asked`, because it may end it all. */
  tellGaps(): void {
    // Nothing is marked for nobody, and every message asks.
    if (this.#tell === undefined) return;
    for (let mark = this.#marks[0]; mark && mark.at <= this.#left; mark = this.#marks[0]) {
      this.#marks.shift();
      this.#tell(mark.gap);
    }
  }

  /** Messages are missing behind what has entered. Returns whether anybody is told. */
  gap(gap: Gap): boolean {
    if (this.#tell === undefined) return false;
    const last = this.#marks.at(-1);
    if (this.#readers > 0) this.#tell(gap);
    else if (last?.at === this.#entered && last.gap.reason === gap.reason)
      last.gap = add(last.gap, gap);
    else this.#marks.push({ at: this.#entered, gap });
    return true;
  }

  /** The overflow took the oldest entry away: `gap` lies before what is read next. */
  lostOldest(gap: Gap): void {
    this.#left += 1;
    this.#shift();
    if (this.#tell === undefined) return;
    this.#marks.unshift({ at: this.#left, gap });
    this.#mergeReached();
  }

  /** The reader has left. */
  clear(): void {
    this.#marks = [];
    this.#positions = undefined;
  }

  /** One gap of each reason before the next entry, however many entries were between them once. */
  #mergeReached(): void {
    const reached = this.#marks.filter(({ at }) => at <= this.#left);
    if (reached.length === 1) return;
    const merged = new Map<GapReason, Mark>();
    for (const mark of reached) {
      const same = merged.get(mark.gap.reason);
      if (same === undefined) merged.set(mark.gap.reason, mark);
      else same.gap = add(same.gap, mark.gap);
    }
    this.#marks = [...merged.values(), ...this.#marks.slice(reached.length)];
  }

  #taken(): void {
    this.#left += 1;
    this.#position = this.#shift() ?? this.#position;
  }

  #add(position: string): void {
    this.#positions ??= new Ring();
    this.#positions.push(position);
  }

  #shift(): string | undefined {
    const positions = this.#positions;
    return positions === undefined || positions.size === 0 ? undefined : positions.shift();
  }
}

function add(one: Gap, other: Gap): Gap {
  if (one.missed === undefined || other.missed === undefined) return one;
  return overflowGap(one.missed + other.missed);
}

/** The gap that so many messages leave which an overflow let go. */
export function overflowGap(missed: number): Gap {
  const what = missed === 1 ? 'one message was' : `${missed} messages were`;
  return { reason: 'overflow', missed, detail: `${what} let go, because the reader was too slow` };
}
