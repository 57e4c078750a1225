import { Ring } from './ring.js';

/**
 * What becomes of items that come faster than they are read, where the source can't be paused:
 * - `error`: the reader gets what is queued, then an error, and the source is let go;
 * - `dropOldest`: the longest waiting item makes room for the new one;
 * - `dropNewest`: the new item is not taken;
 * - `latest`: only the newest item waits, whatever the capacity.
 */
export type Overflow = 'error' | 'dropOldest' | 'dropNewest' | 'latest';

export const OVERFLOWS: readonly Overflow[] = ['error', 'dropOldest', 'dropNewest', 'latest'];

export interface OverflowQueueOptions {
  /** How many items may wait for the reader; a whole number from 1. @default 4096 */
  readonly capacity?: number | undefined;
  /** @default 'error' */
  readonly overflow?: Overflow | undefined;
  /** Makes the error a reader that was too slow gets; asked only where `overflow` is `error`. */
  readonly overflowError: () => unknown;
  /** Hears of each item or error that the overflow costs. Must not throw. */
  readonly onDrop?: (() => void) | undefined;
  /**
   * Lets the source go. Runs once, as soon as nothing more will be taken: when the reader left, the
   * source ended or failed, or the reader was too slow. Items may still wait for the reader then.
   * Must not throw: it runs inside the source's push.
   */
  readonly onClose?: (() => void) | undefined;
}

/** What no item can be mistaken for: the class never leaves this file. */
class Fault {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** What settles a promise of `next()`. */
interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/**
 * A bounded queue between a source that can't be paused (an Observable, a bus subscription, a
 * listener) and one reader. The source calls `push`, `pushError`, `end` and `fail`, none of which
 * waits or throws; the reader iterates. Several `next()` at a time are answered in their order.
 *
 * An error given to `pushError` stands among the items: one `next()` rejects with it, and the next
 * one goes on. `for await` does not call `return()` when `next()` rejects, so a reader may catch
 * the error and start its loop again on the same queue. For the same reason a reader that doesn't
 * go on must call `return()` itself. A generator that delegates with `yield*` is over after the
 * first error; one that should go on needs a loop of its own.
 */
export class OverflowQueue<T> implements AsyncIterableIterator<T, undefined, unknown> {
  // In the order in which an item needs them, so that they lie near together.
  #open = true;
  // Readers wait only while there are no entries, and hardly ever more than one. The first stands
  // here in two parts: V8 would learn of an object around them that it lives long, and make all that
  // follow in its old space, where even dead they keep what they refer to through every collection
  // of the young one. The rings are made when they are needed.
  #resolve: Reader<T>['resolve'] | undefined;
  #reject: Reader<T>['reject'] | undefined;
  #entries: Ring<T | Fault> | undefined;
  #laterReaders: Ring<Reader<T>> | undefined;
  /** How many items may wait for the reader. */
  readonly capacity: number;
  #dropped = 0;
  readonly #options: OverflowQueueOptions;

  /** @throws TypeError for a capacity that is not a whole number from 1, or an unknown overflow. */
  constructor(options: OverflowQueueOptions) {
    const { capacity = 4096, overflow = 'error' } = options;
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new TypeError(`capacity must be a whole number from 1, not ${String(capacity)}.`);
    if (!OVERFLOWS.includes(overflow))
      throw new TypeError(`overflow must be one of ${OVERFLOWS.join(', ')}, not ${overflow}.`);
    this.capacity = overflow === 'latest' ? 1 : capacity;
    this.#options = options;
  }

  /** How many items and pushed errors the overflow has cost. What a leaving reader left doesn't count. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many items wait for the reader. */
  get size(): number {
    return this.#entries === undefined ? 0 : this.#entries.size;
  }

  /** For how many more there is room. */
  get room(): number {
    return this.capacity - this.size;
  }

  /** Takes an item. False when the queue takes nothing more: the source has been let go. */
  push(item: T): boolean {
    return this.#add(item);
  }

  /** Takes an error that one `next()` rejects with; the queue goes on. It counts as an item. */
  pushError(error: unknown): boolean {
    return this.#add(new Fault(error));
  }

  /** The source ended: the reader gets what is queued, then the end. Later calls do nothing. */
  end(): void {
    if (this.#open) this.#close();
  }

  /** The source failed: the reader gets what is queued, then the error once, then the end. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Resolves at once while something is queued. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#entries !== undefined && this.#entries.size > 0) {
      return toResult(this.#entries.shift());
    }
    if (!this.#open) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#await(resolve, reject));
  }

  /** The reader leaves: what is queued is let go, and every waiting `next()` gets the end. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.#entries = undefined;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #add(entry: T | Fault): boolean {
    if (!this.#open) return false;
    if (this.room > 0) this.#deliver(entry);
    else this.#overflowWith(entry);
    return this.#open;
  }

  #overflowWith(entry: T | Fault): void {
    this.#dropped += 1;
    const { overflow = 'error', overflowError, onDrop } = this.#options;
    onDrop?.();
    if (overflow === 'dropNewest') return;
    if (overflow === 'error') this.#fail(overflowError());
    else {
      this.#entries?.shift();
      this.#enqueue(entry);
    }
  }

  /** Not `fail`, which who extends the queue may take for the source's failure. */
  #fail(error: unknown): void {
    if (!this.#open) return;
    this.#deliver(new Fault(error));
    this.#close();
  }

  // The last error of a queue goes past the capacity: by one, and once.
  #deliver(entry: T | Fault): void {
    const resolve = this.#resolve;
    const reject = this.#reject;
    if (resolve === undefined) return this.#enqueue(entry);
    this.#moveUp();
    if (entry instanceof Fault) reject?.(entry.error);
    else resolve({ done: false, value: entry });
  }

  #enqueue(entry: T | Fault): void {
    this.#entries ??= new Ring();
    this.#entries.push(entry);
  }

  #await(resolve: Reader<T>['resolve'], reject: Reader<T>['reject']): void {
    if (this.#resolve === undefined) {
      this.#resolve = resolve;
      this.#reject = reject;
      return;
    }
    this.#laterReaders ??= new Ring();
    this.#laterReaders.push({ resolve, reject });
  }

  /** The first reader is served: the one behind it is the first now. */
  #moveUp(): void {
    const later = this.#laterReaders;
    const next = later === undefined || later.size === 0 ? undefined : later.shift();
    this.#resolve = next?.resolve;
    this.#reject = next?.reject;
  }

  #close(): void {
    this.#open = false;
    for (; this.#resolve !== undefined; this.#moveUp()) {
      this.#resolve({ done: true, value: undefined });
    }
    this.#options.onClose?.();
  }
}

function toResult<T>(entry: T | Fault): Promise<IteratorResult<T, undefined>> {
  if (entry instanceof Fault) return Promise.reject(entry.error);
  return Promise.resolve({ done: false, value: entry });
}
