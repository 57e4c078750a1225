import type { ChannelReceiver, DriverSubscription } from './bus-driver.js';
import type { BusHooks } from './bus-hooks.js';

/** One subscription or listener of a channel. None of its members throws. */
export interface ChannelMember {
  receive(message: unknown): void;
  /** What is published anywhere from now on arrives. */
  stand(): void;
  /** The channel can't be carried: nothing arrives any more. */
  fail(error: unknown): void;
  /** The bus is closed: nothing arrives any more. */
  end(): void;
}

/**
 * The local fan-out of one channel, over one subscription of the driver. It lives from its first
 * member to its last, then calls `onEmpty` once.
 */
export class Channel implements ChannelReceiver {
  readonly name: string;
  readonly #hooks: BusHooks;
  readonly #onEmpty: () => void;
  // Each member with the number of the delivery in which it joined. A Map visits what is added
  // while it is iterated; the number keeps those who joined in a delivery out of it.
  readonly #members = new Map<ChannelMember, number>();
  #deliveries = 0;
  #state: 'pending' | 'standing' | 'over' = 'pending';
  #subscription: DriverSubscription | undefined;

  constructor(name: string, hooks: BusHooks, onEmpty: () => void) {
    this.name = name;
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
      (error: unknown) => this.#fail(error),
    );
  }

  join(member: ChannelMember): void {
    this.#members.set(member, this.#deliveries);
    if (this.#state === 'standing') member.stand();
  }

  leave(member: ChannelMember): void {
    if (this.#members.delete(member) && this.#members.size === 0) this.#finish();
  }

  message(message: unknown): void {
    this.#deliveries += 1;
    const delivery = this.#deliveries;
    let receivers = 0;
    for (const [member, joined] of this.#members) {
      if (joined === delivery) continue;
      member.receive(message);
      receivers += 1;
    }
    this.#hooks.delivered?.(this.name, receivers);
  }

  gap(reason: string): void {
    this.#hooks.gap?.(this.name, reason);
  }

  /** Ends every member; the loops of subscriptions still get what is queued. */
  end(): void {
    for (const member of this.#dissolve()) member.end();
  }

  #stand(): void {
    if (this.#state === 'over') return;
    this.#state = 'standing';
    for (const member of this.#members.keys()) member.stand();
  }

  #fail(error: unknown): void {
    if (this.#state === 'over') return;
    this.#hooks.channelFailed?.(this.name, error);
    for (const member of this.#dissolve()) member.fail(error);
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
