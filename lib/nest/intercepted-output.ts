import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { OverflowQueue } from '../stream/overflow.js';
import { AT_REST } from '../stream/pump.js';
import type { PushOptions } from '../stream/source.js';

type Source = Pick<AsyncIterator<unknown>, 'next' | 'return'>;

/**
 * The output of a call as its interceptors leave it. The handler's stream goes into their operators
 * one item for each that is asked for here and not yet come out: with operators that give one for
 * one, exactly what the client allowed is produced.
 */
export class InterceptedOutput implements AsyncIterableIterator<unknown, undefined> {
  readonly #queue: OverflowQueue<unknown>;
  /** The handler's streams that have neither ended nor been let go. */
  readonly #sources = new Set<Source>();
  readonly #cleanups = new Set<Promise<void>>();
  readonly #onLateError: (error: unknown) => void;
  #subscription: Subscription | undefined;
  #waiting = 0;
  #wake: (() => void)[] = [];

  /** `onLateError` hears what the handler's stream throws when it is let go. */
  constructor(push: PushOptions, onLateError: (error: unknown) => void) {
    this.#queue = new OverflowQueue(push);
    this.#onLateError = onLateError;
  }

  /** The handler's stream for the interceptors, held back until an item is asked for. */
  paced(source: Source): Observable<unknown> {
    this.#sources.add(source);
    return new Observable((subscriber) => {
      this.#feed(source, subscriber).catch((error: unknown) => {
        this.#sources.delete(source);
        subscriber.error(error);
      });
      return () => {
        this.#wakeAll();
        this.#release(source);
      };
    });
  }

  /** What to give up when the client does. */
  set subscription(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** The call is over: lets go of the handler's streams, also of those no interceptor read. */
  close(): void {
    for (const source of this.#sources) this.#release(source);
  }

  push(item: unknown): void {
    if (this.#waiting > 0) this.#waiting--;
    this.#queue.push(item);
  }

  fail(error: unknown): void {
    this.#queue.fail(error);
  }

  end(): void {
    this.#queue.end();
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#queue.size === 0) {
      this.#waiting++;
      this.#wakeAll();
    }
    return this.#queue.next();
  }

  /** Resolves when the handler's streams have finished their cleanup. */
  async rest(): Promise<void> {
    await Promise.all(this.#cleanups);
  }

  /** Resolves when the handler's stream has finished its cleanup. */
  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#subscription?.unsubscribe();
    const left = await this.#queue.return();
    await this.rest();
    return left;
  }

  [AT_REST](): Promise<void> {
    return this.rest();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #feed(source: Source, subscriber: Subscriber<unknown>): Promise<void> {
    for (;;) {
      while (this.#waiting === 0 && !subscriber.closed) await this.#asked();
      if (subscriber.closed) return;
      const result = await source.next();
      if (subscriber.closed) return;
      if (result.done === true) {
        this.#sources.delete(source);
        return subscriber.complete();
      }
      const waiting = this.#waiting;
      subscriber.next(result.value);
      // An operator dropped the item, or gives it later: let what is due come before the next.
      if (this.#waiting === waiting) await turn();
    }
  }

  #asked(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    if (this.#wake.length === 0) return;
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  /** Waits for nothing: a generator that hangs in an `await` hears of it when it wakes. */
  #release(source: Source): void {
    if (!this.#sources.delete(source)) return;
    const cleanup = returned(source)
      .catch(this.#onLateError)
      .finally(() => this.#cleanups.delete(cleanup));
    this.#cleanups.add(cleanup);
  }
}

async function returned(source: Source): Promise<void> {
  await source.return?.();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
