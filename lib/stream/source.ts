import { type Overflow, OverflowQueue } from './overflow.js';
import type { Source } from './pump.js';

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

/**
 * The source to pull a stream from; `undefined` for a value that is none. An observable is
 * subscribed to at once.
 */
export function toSource(value: unknown, push: PushOptions): Source | undefined {
  if (isAsyncIterable(value)) return value[Symbol.asyncIterator]();
  if (isReadableStream(value)) return readerSource(value.getReader());
  if (isObservable(value)) return subscribe(value, push);
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

function has(value: unknown, method: PropertyKey): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Record<PropertyKey, unknown>)[method] === 'function';
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

function subscribe(observable: ObservableLike<unknown>, push: PushOptions): Source {
  let subscription: { unsubscribe(): void } | undefined;
  let closed = false;
  const queue = new OverflowQueue<unknown>({
    ...push,
    onClose: () => {
      closed = true;
      subscription?.unsubscribe();
    },
  });
  subscription = observable.subscribe({
    next: (item) => void queue.push(item),
    error: (error) => queue.fail(error),
    complete: () => queue.end(),
  });
  if (closed) subscription.unsubscribe();
  return queue;
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
