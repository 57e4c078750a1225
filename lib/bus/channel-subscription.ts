import { OverflowQueue } from '../stream/overflow.js';
import { BusError } from './bus-error.js';
import type { Gap } from './gap.js';
import type { HistoryRecord } from './history-driver.js';
import type { PacedMember } from './history-member.js';
import { MessageCheck } from './message-type.js';
import { overflowGap, ReadingPlace } from './reading-place.js';
import type { SubscribeOptions, Subscription } from './subscription.js';
import { callUser } from './user-function.js';

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** What a subscription needs to know of its channel, and tells its owner. */
export interface SubscriptionContext {
  readonly channel: string;
  /** Whether what there is no room for can be read later. */
  readonly hasHistory: boolean;
  onDrop(): void;
  /** `onGap` threw. */
  onError(error: unknown): void;
  /** Runs once, when no more messages are taken. */
  onClose(): void;
}

/**
 * A subscription as a member of its channel: one bounded queue, which its reader reads directly.
 */
export class ChannelSubscription<T>
  extends OverflowQueue<T>
  implements Subscription<T>, PacedMember
{
  // First what every message asks for: it lies nearest to what the queue asks for.
  readonly #check: MessageCheck | undefined;
  /** Only where there are positions or gaps to tell: every message would ask it for nothing. */
  readonly #place: ReadingPlace | undefined;
  #onRoom: (() => void) | undefined;
  readonly waits: boolean;
  readonly #context: SubscriptionContext;
  readonly #options: SubscribeOptions;
  readonly #ready = createDeferred();
  #leave: () => void = () => {};

  constructor(options: SubscribeOptions, context: SubscriptionContext) {
    const { type, onGap, capacity, overflow } = options;
    super({
      capacity,
      overflow,
      overflowError: () => new BusError('slow-consumer', tooSlow(context.channel)),
      onDrop: () => context.onDrop(),
      onClose: () => this.#closed(),
    });
    this.#context = context;
    this.#options = options;
    this.#check = type === undefined ? undefined : new MessageCheck(type);
    if (context.hasHistory || onGap !== undefined) {
      this.#place = new ReadingPlace(
        onGap && ((gap) => callUser(onGap, gap, (error) => context.onError(error))),
      );
    }
    this.waits = context.hasHistory && overflow === undefined;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get position(): string | undefined {
    return this.#place?.position;
  }

  onRoom(fn: () => void): void {
    this.#onRoom = fn;
  }

  /** Called once, with what makes it leave its channel. */
  joined(leave: () => void): void {
    this.#leave = leave;
  }

  override next(): Promise<IteratorResult<T, undefined>> {
    if (this.#place !== undefined) {
      this.#place.tellGaps();
      this.#place.asked(this.size);
    }
    const result = super.next();
    if (this.#onRoom !== undefined) this.#offerRoom();
    return result;
  }

  override return(): Promise<IteratorReturnResult<undefined>> {
    this.#place?.clear();
    return super.return();
  }

  cancel(): void {
    void this.return();
  }

  receive(message: unknown, record?: HistoryRecord): void {
    if (this.#place === undefined) return this.#add(message);
    const { dropped } = this;
    this.#add(message);
    const hasOverflowed = this.dropped !== dropped;
    if (hasOverflowed) this.#overflowed(this.#place);
    if (!hasOverflowed || this.#dropsOldest) this.#place.entered(record?.position);
  }

  #add(message: unknown): void {
    if (this.#check === undefined || this.#check.accepts(message)) this.push(message as T);
    else this.pushError(this.#mismatch(this.#check, message));
  }

  gap(gap: Gap): boolean {
    return this.#place?.gap(gap) ?? false;
  }

  stand(position?: string): void {
    if (position !== undefined) this.#place?.begin(position);
    this.#ready.resolve();
  }

  override fail(error: unknown): void {
    this.#ready.reject(error);
    super.fail(error);
  }

  get #dropsOldest(): boolean {
    const { overflow } = this.#options;
    return overflow === 'dropOldest' || overflow === 'latest';
  }

  #overflowed(place: ReadingPlace): void {
    if (this.#dropsOldest) place.lostOldest(overflowGap(1));
    else if (this.#options.overflow === 'dropNewest') place.gap(overflowGap(1));
  }

  // At half its capacity, so that what is read again comes in pages and not one by one.
  #offerRoom(): void {
    if (this.room < this.capacity / 2) return;
    const onRoom = this.#onRoom;
    this.#onRoom = undefined;
    onRoom?.();
  }

  #mismatch(check: MessageCheck, message: unknown): BusError {
    return new BusError('invalid-argument', check.complaint(this.#context.channel, message));
  }

  #closed(): void {
    this.#onRoom = undefined;
    this.#leave();
    this.#ready.resolve();
    this.#context.onClose();
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
