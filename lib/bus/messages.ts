import { ChannelSubscription } from './channel-subscription.js';
import { type Channels, checkChannel } from './channels.js';
import { Listener } from './listener.js';
import type { MessageClass, MessageOf } from './message-type.js';
import type {
  MessageListener,
  PublishOptions,
  SubscribeOptions,
  Subscription,
  TypedSubscribeOptions,
} from './subscription.js';

/**
 * The message bus as one owner sees it: `session.messages`, and `MessageBus` itself. Whatever is
 * subscribed or added through it ends when it is closed, and nothing of the bus refers to it then.
 *
 * In this process subscribers get the very instance that was published: treat messages as
 * immutable, on both sides.
 */
export class Messages {
  readonly #channels: Channels;
  readonly #subscriptions = new Set<Subscription<unknown>>();
  readonly #listeners = new Map<string, Map<MessageListener, Listener>>();
  #open = true;
  #dropped = 0;

  /** Made by `new MessageBus()` and `bus.bind()`. */
  protected constructor(channels: Channels) {
    this.#channels = channels;
  }

  /** How many messages the overflow of this owner's subscriptions has cost, those ended included. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Sends a message to every subscriber of the channel. Resolves when it is on its way, rejects
   * when it is not; it doesn't wait for readers. Rejects with a `TypeError` for a bad channel or
   * scope and for `global` without a cluster, with an `unavailable` error when the bus is closed.
   *
   * What is bound to a session may still publish when the session is over: a handler can say
   * goodbye in its `finally`.
   */
  publish(channel: string, message: unknown, options: PublishOptions = {}): Promise<void> {
    return this.#channels.publish(channel, message, options.scope ?? 'auto');
  }

  /**
   * Subscribes at once: whatever is published after this call is delivered, however late reading
   * begins. When the owner is over already, the subscription is too: its loop ends at once.
   *
   * @throws TypeError for a bad channel, type, overflow or capacity.
   */
  subscribe<C extends MessageClass>(
    channel: string,
    options: TypedSubscribeOptions<C>,
  ): Subscription<MessageOf<C>>;
  subscribe<T = unknown>(channel: string, options?: SubscribeOptions): Subscription<T>;
  subscribe(channel: string, options: SubscribeOptions = {}): Subscription<unknown> {
    checkChannel(channel);
    const subscription = new ChannelSubscription(
      channel,
      options,
      () => this.#drop(channel),
      () => this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    if (this.#open) subscription.join(this.#channels);
    else subscription.cancel();
    return subscription;
  }

  /**
   * Calls `fn` with each message of the channel, until the owner is over. A function that one owner
   * adds twice is called once; owners don't share theirs. Returns what removes it.
   *
   * @throws TypeError for a bad channel or a listener that is no function.
   */
  addListener<T>(channel: string, fn: MessageListener<T>): () => void {
    checkChannel(channel);
    if (typeof fn !== 'function') throw new TypeError('A listener must be a function.');
    if (!this.#open) return () => {};
    const key = fn as MessageListener;
    const listener = this.#listeners.get(channel)?.get(key) ?? this.#listen(channel, key);
    return () => listener.remove();
  }

  /** Removes a function; it isn't called again, not even by a delivery that is under way. */
  removeListener<T>(channel: string, fn: MessageListener<T>): void {
    this.#listeners
      .get(channel)
      ?.get(fn as MessageListener)
      ?.remove();
  }

  /** Cancels every subscription and removes every listener of this owner. Harmless when repeated. */
  protected release(): void {
    this.#open = false;
    for (const subscription of this.#subscriptions) subscription.cancel();
    for (const listeners of this.#listeners.values())
      for (const listener of listeners.values()) listener.remove();
  }

  #drop(channel: string): void {
    this.#dropped += 1;
    this.#channels.hooks.dropped?.(channel, 1);
  }

  #listen(channel: string, fn: MessageListener): Listener {
    const listener = new Listener(
      fn,
      (error) => this.#channels.hooks.listenerFailed?.(channel, error),
      () => this.#forget(channel, fn),
    );
    const listeners = this.#listeners.get(channel) ?? new Map<MessageListener, Listener>();
    this.#listeners.set(channel, listeners.set(fn, listener));
    listener.join(channel, this.#channels);
    return listener;
  }

  // Runs once per listener, so it can't take away a later one of the same function.
  #forget(channel: string, fn: MessageListener): void {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(fn);
    if (listeners?.size === 0) this.#listeners.delete(channel);
  }
}
