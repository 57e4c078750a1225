import { type Overflow, OverflowQueue } from './overflow.js';
import { AT_REST, type Source } from './pump.js';

/** What RxJS and its like give: something that pushes. */
export interface ObservableLike<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

/** How an observable is read, because it can't be paused. */
export interface PushOptions {
  /** @default 'error' */
  readonly overflow?: Overflow | undefined;
  /** Items that may wait. */
  readonly capacity: number;
  /** Makes the error of an overflow. */
  readonly overflowError: () => unknown;
  /** Hears of each item that the overflow costs. */
  readonly onDrop?: () => void;
}

/** Whether a value is a stream: an async iterable, a `ReadableStream` or an observable. */
export function isStream(value: unknown): boolean {
  return isAsyncIterable(value) || isReadableStream(value) || isObservable(value);
}

/** Whether a stream begins only when a source is made of it: an observable, by being subscribed to. */
export function isUnstarted(value: unknown): boolean {
  return isObservable(value) && !isAsyncIterable(value) && !isReadableStream(value);
}

/**
 * The source to pull a stream from; `undefined` for a value that is none. An observable is
 * subscribed to at once.
 */
export function toSource(value: unknown, push: PushOptions): Source | undefined {
  if (isAsyncIterable(value)) return value[Symbol.asyncIterator]();
  if (isReadableStream(value)) return readerSource(value.getReader());
  if (isObservable(value)) return new ObservedSource(value, push);
  return undefined;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return has(value, Symbol.asyncIterator);
}

function isReadableStream(value: unknown): value is ReadableStream<unknown> {
  return has(value, 'getReader') && has(value, 'tee');
}

function isObservable(value: unknown): value is ObservableLike<unknown> {
  return has(value, 'subscribe');
}

/** What throws when it is looked at is no stream. */
function has(value: unknown, method: PropertyKey): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return typeof (value as Record<PropertyKey, unknown>)[method] === 'function';
  } catch {
    return false;
  }
}

/** For browsers whose streams are not iterable. */
function readerSource(reader: ReadableStreamDefaultReader<unknown>): Source {
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel();
      return { value: undefined, done: true };
    },
  };
}

/** What an observable pushes, in a queue of the declared overflow. */
class ObservedSource implements Source {
  readonly #queue: OverflowQueue<unknown>;
  #subscription: { unsubscribe(): void } | undefined;
  #isClosed = false;
  /** What the observable's own cleanup threw: a list of one, or of none. */
  #faults: unknown[] = [];

  constructor(observable: ObservableLike<unknown>, push: PushOptions) {
    const queue = new OverflowQueue<unknown>({ ...push, onClose: () => this.#close() });
    this.#queue = queue;
    this.#subscription = observable.subscribe({
      next: (item) => void queue.push(item),
      error: (error) => queue.fail(error),
      complete: () => queue.end(),
    });
    if (this.#isClosed) this.#close();
  }

  next(): Promise<IteratorResult<unknown>> {
    return this.#queue.next();
  }

  async return(): Promise<IteratorResult<unknown>> {
    const left = await this.#queue.return();
    await this[AT_REST]();
    return left;
  }

  async [AT_REST](): Promise<void> {
    for (const fault of this.#faults.splice(0)) throw fault;
  }

  /** Runs inside the observable's own push, which is no place to throw. */
  #close(): void {
    this.#isClosed = true;
    try {
      this.#subscription?.unsubscribe();
    } catch (error) {
      this.#faults.push(error);
    }
  }
}

/** Lets go of a stream that nobody will read: its source is told to stop. Never throws. */
export function discard(stream: unknown): void {
  const ignore = (): void => undefined;
  try {
    if (isAsyncIterable(stream)) stream[Symbol.asyncIterator]().return?.().then(ignore, ignore);
    else if (isReadableStream(stream)) stream.cancel().then(ignore, ignore);
  } catch {
    // A stream that is already read by someone else is not ours to stop.
  }
}
