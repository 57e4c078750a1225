import type { ChannelReceiver, DriverSubscription } from './bus-driver.js';
import type { BusHooks } from './bus-hooks.js';
import type { Gap } from './gap.js';
import type { HistoryRecord } from './history-driver.js';

/** One subscription or listener of a channel. None of its members throws. */
export interface ChannelMember {
  /** Takes a message; `record` is what it stands in where the channel keeps a history. */
  receive(message: unknown, record?: HistoryRecord): void;
  /** Messages are missing here. Returns whether anybody is told. */
  gap(gap: Gap): boolean;
  /** What is published anywhere from now on arrives: in a history, what comes after `position`. */
  stand(position?: string): void;
  /** The channel can't be carried: nothing arrives any more. */
  fail(error: unknown): void;
  /** The bus is closed: nothing arrives any more. */
  end(): void;
}

/** Told of a message before several of this process get it: whoever passes it on encodes it once. */
export type ShareMessage = (message: object) => void;

/**
 * The local fan-out of one channel, over one subscription of the driver. It lives from its first
 * member to its last, then calls `onEmpty` once.
 */
export class LocalChannel implements ChannelReceiver {
  readonly name: string;
  readonly #hooks: BusHooks;
  readonly #onEmpty: () => void;
  readonly #share: ShareMessage | undefined;
  // Each member with the number of the delivery in which it joined. A Map visits what is added
  // while it is iterated; the number keeps those who joined in a delivery out of it.
  readonly #members = new Map<ChannelMember, number>();
  #deliveries = 0;
  #state: 'pending' | 'standing' | 'over' = 'pending';
  #subscription: DriverSubscription | undefined;

  constructor(name: string, hooks: BusHooks, onEmpty: () => void, share?: ShareMessage) {
    this.name = name;
    this.#share = share;
    this.#hooks = hooks;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Called once, with what the driver gave for this channel, before the first member joins. */
  connect(subscription: DriverSubscription): void {
    this.#subscription = subscription;
    subscription.ready.then(
      () => this.#stand(),
      (error: unknown) => this.fail(error),
    );
  }

  join(member: ChannelMember): void {
    this.#members.set(member, this.#deliveries);
    if (this.#state === 'standing') member.stand();
  }

  leave(member: ChannelMember): void {
    if (this.#members.delete(member) && this.#members.size === 0) this.#finish();
  }

  message(message: unknown, record?: HistoryRecord): void {
    this.#deliveries += 1;
    const delivery = this.#deliveries;
    if (this.#members.size > 1 && typeof message === 'object' && message !== null) {
      this.#share?.(message);
    }
    let receivers = 0;
    for (const [member, joined] of this.#members) {
      if (joined === delivery) continue;
      member.receive(message, record);
      receivers += 1;
    }
    this.#hooks.delivered?.(this.name, receivers);
  }

  gap(reason: string): void {
    this.lost({ reason: 'connection', detail: reason });
  }

  /** Messages are missing here, for everybody. */
  lost(gap: Gap): void {
    let untold = 0;
    for (const member of [...this.#members.keys()]) if (!member.gap(gap)) untold += 1;
    this.#hooks.gap?.(this.name, gap.detail, untold);
  }

  /** Ends every member; the loops of subscriptions still get what is queued. */
  end(): void {
    for (const member of this.#dissolve()) member.end();
  }

  /** The channel can't be carried: every member is told, and the hook. */
  fail(error: unknown): void {
    if (this.#state === 'over') return;
    this.#hooks.channelFailed?.(this.name, error);
    for (const member of this.#dissolve()) member.fail(error);
  }

  #stand(): void {
    if (this.#state === 'over') return;
    this.#state = 'standing';
    for (const member of this.#members.keys()) member.stand();
  }

  // The channel is over before its members hear of it: one that subscribes again gets a new one.
  #dissolve(): ChannelMember[] {
    const members = [...this.#members.keys()];
    this.#members.clear();
    this.#finish();
    return members;
  }

  #finish(): void {
    this.#state = 'over';
    this.#subscription?.cancel();
    this.#onEmpty();
  }
}
