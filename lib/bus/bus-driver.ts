import type { ClusterLog, ClusterLogOptions } from './cluster-log.js';
import type { HistoryDriver } from './history-driver.js';

/** How far a message goes: this process, or every process of the cluster, this one included. */
export type Reach = 'local' | 'global';

/**
 * Whether what is published reaches where it should: `reconnecting` while a clustered driver looks
 * for its servers, `closed` when the bus is.
 */
export type BusStatus = 'connected' | 'reconnecting' | 'closed';

/**
 * Where a driver puts what arrives on one channel. Neither member throws. A driver calls them in
 * the channel's order and never from inside one another: what a receiver publishes while it
 * receives is delivered after the message it is at.
 */
export interface ChannelReceiver {
  /** Takes one message. The instance is shared by all subscribers of the process. */
  message(message: unknown): void;
  /**
   * Tells that messages were lost at this place, or may have been; `reason` is for people. Told when
   * what comes next arrives, and no earlier: who reads up elsewhere from then on misses nothing.
   */
  gap(reason: string): void;
}

export interface DriverSubscription {
  /**
   * Resolves when the subscription stands: what any process publishes from then on arrives. It
   * stays pending while the driver still tries. It rejects when the channel can't ever be carried
   * (a server that refuses it, a driver closed before); nothing is delivered afterwards.
   */
  readonly ready: Promise<void>;
  /** Ends it: the receiver isn't called again. Never throws; a second time it does nothing. */
  cancel(): void;
}

/**
 * The port of `MessageBus` to what carries messages. One bus owns one driver and is its only
 * caller. The bus fans a message out to the subscribers of the process and keeps count of them, so
 * a driver sees at most one live subscription per channel. A driver that pays for subscriptions
 * elsewhere may keep one for a moment after its `cancel()`, since the same channel is often
 * subscribed again at once, in the same turn even. `lib/bus/spec/bus-driver.contract.ts` holds a
 * driver to what stands here.
 */
export abstract class BusDriver {
  /** Whether `global` reaches other processes. The bus asks for `global` only where it is true. */
  abstract readonly clustered: boolean;

  /** What keeps the messages of channels with a history. */
  abstract readonly history: HistoryDriver;

  /** How it stands with the driver now. One that has nobody to lose is connected. */
  get status(): BusStatus {
    return 'connected';
  }

  /**
   * Carries one message to all who are subscribed to the channel within its reach, each once, those
   * of this process too; without subscribers it does nothing. `local` is delivered in this process,
   * as the same instance, in this turn. Resolves when the driver has handed the message on, message
   * by message, whatever it batches; it does not wait for readers. Rejects when the message is not
   * on its way, within a bounded time. Messages of one process on one channel keep their order.
   */
  abstract publish(channel: string, message: unknown, reach: Reach): Promise<void>;

  /**
   * Registers the receiver of a channel, at once: `local` messages published after it returned
   * arrive, as do `global` ones from `ready` on. Calls no receiver before it has returned. Throws
   * nothing for a server that can't be reached: the subscription stands when it is back.
   */
  abstract subscribe(channel: string, receiver: ChannelReceiver): DriverSubscription;

  /**
   * Takes part in a log that all servers share, at once; throws nothing for a server that can't be
   * reached. `close()` closes it.
   *
   * @throws TypeError for options that make no sense.
   */
  abstract openLog(options: ClusterLogOptions): ClusterLog;

  /**
   * Lets everything go, once, as the last call the driver gets: no receiver is called afterwards.
   * Resolves when its connections are closed.
   */
  abstract close(): Promise<void>;
}
