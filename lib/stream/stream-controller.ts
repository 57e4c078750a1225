import { OverflowQueue } from './overflow.js';

/** Bounds of a {@link StreamController}. */
export interface StreamControllerOptions {
  /** Items that may wait before `add` asks its caller to wait; at most `capacity`. @default 256 */
  readonly highWaterMark?: number;
  /**
   * Items that may wait in all. One more, added by a caller that didn't wait, ends the stream with
   * a `slow-consumer` error. @default 65_536
   */
  readonly capacity?: number;
  /** Called once when the reader has given up, so that the caller can stop producing. */
  readonly onCancel?: () => void;
}

const READY: Promise<void> = Promise.resolve();

/**
 * A stream whose items are added by hand: the usual input of a call. It has one reader.
 *
 * ```ts
 * const input = new StreamController<string>();
 * const output = client.example.echo(input);
 * await input.add('Hello');
 * input.close();
 * ```
 */
export class StreamController<T> implements AsyncIterable<T> {
  readonly #queue: OverflowQueue<T>;
  readonly #highWaterMark: number;
  readonly #onCancel: (() => void) | undefined;
  #state: 'open' | 'closed' | 'cancelled' = 'open';
  #room: PromiseWithResolvers | undefined;

  /** @throws TypeError that names the option, for a bound that is not a whole number from 1. */
  constructor(options: StreamControllerOptions = {}) {
    const { highWaterMark = 256, capacity = 65_536 } = options;
    if (!Number.isSafeInteger(highWaterMark) || highWaterMark < 1) {
      throw new TypeError(
        `highWaterMark must be a whole number from 1, not ${String(highWaterMark)}.`,
      );
    }
    this.#highWaterMark = Math.min(highWaterMark, capacity);
    this.#onCancel = options.onCancel;
    this.#queue = new OverflowQueue<T>({
      capacity,
      overflowError: () => new SlowConsumerError(),
      onClose: () => this.#closed(),
    });
  }

  /** Whether nothing more can be added: it was closed, or its reader gave up. */
  get isClosed(): boolean {
    return this.#state !== 'open';
  }

  /**
   * Adds an item; it may wait as it is, so don't change it afterwards. The promise resolves when there is room for more; a caller with many items waits
   * for it. It rejects when the reader has given up, and may be ignored.
   *
   * @throws TypeError after `close` or `addError`.
   */
  add(item: T): Promise<void> {
    if (this.#state !== 'open') return this.#refused();
    this.#queue.push(item);
    if (this.#queue.size < this.#highWaterMark || this.isClosed) return READY;
    this.#room ??= withResolvers();
    return this.#room.promise;
  }

  /**
   * Ends the stream with an error, behind the items that wait. A `StreamingException` reaches the
   * server's handler as itself, anything else as a `StreamError`.
   */
  addError(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#queue.fail(error);
  }

  /** Ends the stream, behind the items that wait. A second time it does nothing. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#queue.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => {
        const result = this.#queue.next();
        if (this.#room !== undefined && this.#queue.size < this.#highWaterMark / 2) this.#admit();
        return result;
      },
      return: () => this.#queue.return(),
    };
  }

  /** The queue takes no more: closed from this side, or because the reader left. */
  #closed(): void {
    this.#admit();
    if (this.#state !== 'open') return;
    this.#state = 'cancelled';
    this.#onCancel?.();
  }

  #admit(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #refused(): Promise<void> {
    if (this.#state === 'closed')
      throw new TypeError('The stream is closed: nothing can be added.');
    const refused = Promise.reject(new StreamCancelledError());
    refused.catch(() => undefined);
    return refused;
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Too many items wait for a reader; its `code` is one of `StreamError`'s. */
export class SlowConsumerError extends Error {
  readonly code = 'slow-consumer';

  constructor() {
    super('Items were added faster than they were read, beyond the capacity of the stream.');
  }
}

/** The reader of a stream has given up; its `code` is one of `StreamError`'s. */
export class StreamCancelledError extends Error {
  readonly code = 'cancelled';

  constructor() {
    super('The reader of this stream has stopped.');
  }
}
