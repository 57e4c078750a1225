import { ChannelSubscription } from './channel-subscription.js';
import type { Channels } from './channels.js';
import { type Channel, type ChannelDefinition, toDefinition } from './define-channel.js';
import type { HistoryStart } from './history-driver.js';
import { Listener } from './listener.js';
import { MessageCheck, type MessageClass, type MessageOf } from './message-type.js';
import {
  type ChannelSubscribeOptions,
  type HistorySince,
  type ListenOptions,
  type MessageListener,
  type PublishOptions,
  type SubscribeOptions,
  type Subscription,
  type TypedSubscribeOptions,
  toStart,
} from './subscription.js';

type AnySubscribeOptions = SubscribeOptions & ChannelSubscribeOptions;

/**
 * The message bus as one owner sees it: `session.messages`, and `MessageBus` itself. Whatever is
 * subscribed or added through it ends when it is closed, and nothing of the bus refers to it then.
 *
 * A channel is a name, or what `defineChannel()` gave, which says what its messages are and whether
 * they are kept.
 *
 * In this process subscribers get the very instance that was published: treat messages as
 * immutable, on both sides.
 */
export class Messages {
  readonly #channels: Channels;
  readonly #subscriptions = new Set<ChannelSubscription<unknown>>();
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
   * Sends a message to every subscriber of the channel. Resolves when it is on its way, and kept
   * where the channel keeps messages; rejects when it is not. It doesn't wait for readers. Rejects
   * with a `TypeError` for a bad channel or scope, a message of another type than the channel's, and
   * for `global` without a cluster; with a `BusUnavailableError` when the bus is closed or its server
   * can't be reached. Who doesn't wait for the promise may leave it alone: the hook `publishFailed`
   * hears of every rejection, and none of them ends the process.
   *
   * What is bound to a session may still publish when the session is over: a handler can say
   * goodbye in its `finally`.
   */
  publish<T>(channel: Channel<T>, message: NoInfer<T>, options?: PublishOptions): Promise<void>;
  publish(channel: string, message: unknown, options?: PublishOptions): Promise<void>;
  publish(
    channel: string | Channel,
    message: unknown,
    options: PublishOptions = {},
  ): Promise<void> {
    return this.#channels.publish(channel, message, options.scope ?? 'auto');
  }

  /**
   * Subscribes at once: whatever is published after this call is delivered, however late reading
   * begins. When the owner is over already, the subscription is too: its loop ends at once.
   *
   * @throws TypeError for a bad channel, type, overflow, capacity or since.
   */
  subscribe<T>(channel: Channel<T>, options?: ChannelSubscribeOptions): Subscription<T>;
  subscribe<C extends MessageClass>(
    channel: string,
    options: TypedSubscribeOptions<C>,
  ): Subscription<MessageOf<C>>;
  subscribe<T = unknown>(channel: string, options?: SubscribeOptions): Subscription<T>;
  subscribe(channel: string | Channel, options: AnySubscribeOptions = {}): Subscription<unknown> {
    const definition = toDefinition(channel);
    const since = this.#check(definition, options.since);
    const subscription: ChannelSubscription<unknown> = new ChannelSubscription(
      { ...options, type: definition.type ?? options.type },
      {
        channel: definition.name,
        hasHistory: definition.history !== undefined,
        onDrop: () => this.#drop(definition.name),
        onError: (error) => this.#failed(definition.name, error),
        onClose: () => this.#subscriptions.delete(subscription),
      },
    );
    this.#subscriptions.add(subscription);
    if (this.#open) subscription.joined(this.#channels.join(definition, subscription, since));
    else subscription.cancel();
    return subscription;
  }

  /**
   * Calls `fn` with each message of the channel, until the owner is over. A function that one owner
   * adds twice is called once; owners don't share theirs. Returns what removes it.
   *
   * @throws TypeError for a bad channel or since, or a listener that is no function.
   */
  addListener<T>(channel: Channel<T>, fn: MessageListener<T>, options?: ListenOptions): () => void;
  addListener<T>(channel: string, fn: MessageListener<T>, options?: ListenOptions): () => void;
  addListener<T>(
    channel: string | Channel<T>,
    fn: MessageListener<T>,
    options: ListenOptions = {},
  ): () => void {
    const definition = toDefinition(channel);
    if (typeof fn !== 'function') throw new TypeError('A listener must be a function.');
    const since = this.#check(definition, options.since);
    if (!this.#open) return () => {};
    const key = fn as MessageListener;
    const known = this.#listeners.get(definition.name)?.get(key);
    const listener = known ?? this.#listen(definition, key, options, since);
    return () => listener.remove();
  }

  /** Removes a function; it isn't called again, not even by a delivery that is under way. */
  removeListener<T>(channel: string | Channel<T>, fn: MessageListener<T>): void {
    this.#listeners
      .get(toDefinition(channel).name)
      ?.get(fn as MessageListener)
      ?.remove();
  }

  /** Cancels every subscription and removes every listener of this owner. Harmless when repeated. */
  protected release(): void {
    this.#open = false;
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#removeListeners();
  }

  /** The same, but that what is queued can still be read. */
  protected finish(): void {
    this.#open = false;
    for (const subscription of this.#subscriptions) subscription.end();
    this.#removeListeners();
  }

  #removeListeners(): void {
    for (const listeners of this.#listeners.values())
      for (const listener of listeners.values()) listener.remove();
  }
  /** @throws TypeError when the channel is in use with another history, or has none to begin in. */
  #check(channel: ChannelDefinition, since: HistorySince | undefined): HistoryStart | undefined {
    this.#channels.check(channel);
    return since === undefined ? undefined : toStart(channel, since);
  }

  #drop(channel: string): void {
    this.#dropped += 1;
    this.#channels.hooks.dropped?.(channel, 1);
  }

  #failed(channel: string, error: unknown): void {
    this.#channels.hooks.listenerFailed?.(channel, error);
  }

  #listen(
    channel: ChannelDefinition,
    fn: MessageListener,
    { onGap }: ListenOptions,
    since: HistoryStart | undefined,
  ): Listener {
    const { name, type } = channel;
    const listener = new Listener(fn, {
      channel: name,
      onGap,
      check: type && new MessageCheck(type),
      onError: (error) => this.#failed(name, error),
      onEnd: () => this.#forget(name, fn),
    });
    const listeners = this.#listeners.get(name) ?? new Map<MessageListener, Listener>();
    this.#listeners.set(name, listeners.set(fn, listener));
    listener.joined(this.#channels.join(channel, listener, since));
    return listener;
  }

  // Runs once per listener, so it can't take away a later one of the same function.
  #forget(channel: string, fn: MessageListener): void {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(fn);
    if (listeners?.size === 0) this.#listeners.delete(channel);
  }
}
