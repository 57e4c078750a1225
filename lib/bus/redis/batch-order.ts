import type { BatchHeader } from './batch-header.js';

/** How many channels a process counts its batches on. */
const MAX_CHANNELS = 10_000;
/** How many senders are followed on a channel. */
const MAX_SENDERS = 1_000;

/** The numbers of the batches that this process sends, channel by channel. */
export class BatchNumbers {
  readonly #last = new Map<string, number>();
  #total = 0;

  /** The channel that was idle for longest is forgotten; what it begins with then is greater. */
  take(channel: string): Pick<BatchHeader, 'number' | 'isFirst'> {
    const last = this.#last.get(channel);
    const number = last === undefined ? this.#total : last + 1;
    this.#total += 1;
    this.#last.delete(channel);
    this.#last.set(channel, number);
    if (this.#last.size > MAX_CHANNELS) this.#last.delete(firstKey(this.#last));
    return { number, isFirst: last === undefined };
  }
}

/**
 * What was seen of each sender of a channel. A number left out means that messages were lost on a
 * way where nobody noticed, such as a server that is primary no more. A number that was passed by
 * already is of a connection that was given up, and comes too late.
 */
export class SenderOrder {
  readonly #last = new Map<string, number>();

  /** Notes a batch and tells what it is. */
  see({ sender, number, isFirst }: BatchHeader): 'next' | 'gap' | 'late' {
    const last = this.#last.get(sender);
    if (last !== undefined && number <= last) return 'late';
    this.#last.set(sender, number);
    if (this.#last.size > MAX_SENDERS) this.#last.delete(firstKey(this.#last));
    return isFirst || last === undefined || number === last + 1 ? 'next' : 'gap';
  }

  /** What came before counts no more: the loss was told already. */
  reset(): void {
    this.#last.clear();
  }
}

function firstKey(map: ReadonlyMap<string, unknown>): string {
  return map.keys().next().value as string;
}
