import { OverflowQueue } from '../stream/overflow.js';
import { BusError } from './bus-error.js';
import type { ChannelMember } from './channel.js';
import type { Channels } from './channels.js';
import { MessageCheck } from './message-type.js';
import type { SubscribeOptions, Subscription } from './subscription.js';

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * A subscription as a member of its channel: one bounded queue, which its reader reads directly.
 * `onClose` runs once, when no more messages are taken.
 */
export class ChannelSubscription<T> implements Subscription<T>, ChannelMember {
  readonly #name: string;
  readonly #check: MessageCheck | undefined;
  readonly #queue: OverflowQueue<T>;
  readonly #ready = createDeferred();
  readonly #onClose: () => void;
  #leave: () => void = () => {};

  constructor(name: string, options: SubscribeOptions, onDrop: () => void, onClose: () => void) {
    this.#name = name;
    this.#onClose = onClose;
    this.#check = options.type === undefined ? undefined : new MessageCheck(options.type);
    this.#queue = new OverflowQueue<T>({
      capacity: options.capacity,
      overflow: options.overflow,
      overflowError: () => new BusError('slow-consumer', tooSlow(name)),
      onDrop,
      onClose: () => this.#closed(),
    });
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  join(channels: Channels): void {
    this.#leave = channels.join(this.#name, this);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#queue.next();
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  cancel(): void {
    void this.#queue.return();
  }

  receive(message: unknown): void {
    if (this.#check === undefined || this.#check.accepts(message)) this.#queue.push(message as T);
    else this.#queue.pushError(this.#mismatch(this.#check, message));
  }

  stand(): void {
    this.#ready.resolve();
  }

  fail(error: unknown): void {
    this.#ready.reject(error);
    this.#queue.fail(error);
  }

  end(): void {
    this.#queue.end();
  }

  #mismatch(check: MessageCheck, message: unknown): BusError {
    return new BusError('invalid-argument', check.complaint(this.#name, message));
  }

  #closed(): void {
    this.#leave();
    this.#ready.resolve();
    this.#onClose();
  }
}

function tooSlow(channel: string): string {
  return (
    `A subscription of channel "${channel}" was read too slowly and its queue ran over. ` +
    'Read faster, raise its capacity, or declare another overflow.'
  );
}

// Most readers never look at `ready`, so its rejection must not count as unhandled.
function createDeferred(): Deferred {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
