import type { BusDriver, BusStatus } from './bus-driver.js';
import type { BusHooks } from './bus-hooks.js';
import type { ShareMessage } from './channel.js';
import { Channels } from './channels.js';
import { LocalDriver } from './local-driver.js';
import { Messages } from './messages.js';

/** Whose end ends what was subscribed: a session, a connection, a provider. */
export interface Lifetime {
  /** Has `fn` called when the owner is over; at once if it is so already. */
  onClose(fn: () => void): void;
}

export interface MessageBusOptions {
  /** What carries the messages; the bus owns it from here on. @default a `LocalDriver` */
  readonly driver?: BusDriver | undefined;
  readonly hooks?: BusHooks | undefined;
  /** Told of a message that goes to several subscriptions of this process, before they get it. */
  readonly share?: ShareMessage | undefined;
}

/**
 * Carries messages between the parts of an application, and between its servers where the driver
 * is clustered. Inject it anywhere; in a streaming method prefer `session.messages`, whose
 * subscriptions end with the call.
 *
 * Without a cluster a message is with every subscriber and listener before `publish` returns.
 * Every subscriber of a channel sees its messages in one order, those published from inside a
 * listener too. A subscription that nobody reads costs its capacity at most.
 */
export class MessageBus extends Messages {
  readonly #driver: BusDriver;
  readonly #channels: Channels;
  #closing: Promise<void> | undefined;

  constructor(options: MessageBusOptions = {}) {
    const driver = options.driver ?? new LocalDriver();
    const channels = new Channels(driver, options.hooks ?? {}, options.share);
    super(channels);
    this.#driver = driver;
    this.#channels = channels;
  }

  /**
   * `connected` when what is published reaches everybody, `reconnecting` while a clustered driver
   * looks for its servers, `closed` after `close()`. A bus that stays in its process is connected.
   */
  get status(): BusStatus {
    return this.#closing === undefined ? this.#driver.status : 'closed';
  }

  /**
   * The bus for one owner: what is subscribed through it is cancelled, what is queued there let go,
   * and its listeners are removed when the owner closes. A loop over a subscription then ends as if
   * the channel had ended.
   *
   * The owner must call when its work is to stop, not when the work has returned: a handler that
   * waits for the next message only returns because its subscription is over.
   */
  bind(owner: Lifetime): Messages {
    return new BoundMessages(this.#channels, owner);
  }

  /** How many subscriptions and listeners there are on a channel, or on all of them. */
  subscriberCount(channel?: string): number {
    return channel === undefined ? this.#channels.countAll() : this.#channels.count(channel);
  }

  /**
   * Ends what was subscribed and added through the bus itself: its loops end once they were read
   * empty. What other owners have stays, and publishing goes on. `StreamingModule` does so when the
   * application closes, before the providers of other modules are destroyed.
   */
  endSubscriptions(): void {
    this.finish();
  }

  /**
   * Ends every subscription of every owner, once it was read empty, removes every listener and
   * closes the driver. Afterwards `publish` rejects, and a new subscription is over at once.
   * Repeated, it gives the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#channels.close();
    return this.#closing;
  }
}

class BoundMessages extends Messages {
  constructor(channels: Channels, owner: Lifetime) {
    super(channels);
    owner.onClose(() => this.release());
  }
}
