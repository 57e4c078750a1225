import {
  BusDriver,
  type ChannelReceiver,
  type DriverSubscription,
  type Reach,
} from '../bus-driver.js';
import type { ClusterLog, ClusterLogOptions } from '../cluster-log.js';
import { LocalLogs } from '../local-cluster-log.js';
import { LocalDriver } from '../local-driver.js';
import { RelayHistory, RelayHistoryServer } from './relay-history.js';

/**
 * A cluster within the process, for tests: its drivers are servers of their own, reach one another
 * a turn later, and get copies. It can be asked to hold subscriptions back, or to refuse them.
 */
export class Relay {
  readonly drivers = new Set<RelayDriver>();
  readonly histories = new RelayHistoryServer();
  readonly logs = new LocalLogs();
  #hold: Promise<void> | undefined;
  #refusal: unknown;

  /** Subscriptions made from here on stand when the returned function is called. */
  hold(): () => void {
    let release = () => {};
    this.#hold = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      this.#hold = undefined;
      release();
    };
  }

  /** Subscriptions made from here on never stand. */
  refuse(error: unknown): void {
    this.#refusal = error;
  }

  async stand(): Promise<void> {
    await (this.#hold ?? turn());
    if (this.#refusal !== undefined) throw this.#refusal;
  }
}

interface RemoteSubscription {
  readonly receiver: ChannelReceiver;
  standing: boolean;
}

export class RelayDriver extends BusDriver {
  readonly clustered = true;
  readonly history: RelayHistory;
  readonly #relay: Relay;
  readonly #local = new LocalDriver();
  readonly #logs: ClusterLog[] = [];
  readonly #subscriptions = new Map<string, RemoteSubscription>();

  constructor(relay: Relay) {
    super();
    this.#relay = relay;
    this.history = new RelayHistory(relay.histories);
    relay.drivers.add(this);
  }

  async publish(channel: string, message: unknown, reach: Reach): Promise<void> {
    if (reach === 'local') return this.#local.publish(channel, message);
    const copy = structuredClone(message);
    await turn();
    for (const driver of this.#relay.drivers) driver.#arrive(channel, copy);
  }

  subscribe(channel: string, receiver: ChannelReceiver): DriverSubscription {
    const subscription = { receiver, standing: false };
    this.#subscriptions.set(channel, subscription);
    const local = this.#local.subscribe(channel, receiver);
    const cancel = () => {
      local.cancel();
      if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel);
    };
    return { ready: this.#stand(subscription), cancel };
  }

  gap(channel: string, reason: string): void {
    this.#subscriptions.get(channel)?.receiver.gap(reason);
  }

  openLog(options: ClusterLogOptions): ClusterLog {
    const log = this.#relay.logs.open(options);
    this.#logs.push(log);
    return log;
  }

  async close(): Promise<void> {
    for (const log of this.#logs) void log.close();
    this.#relay.drivers.delete(this);
    this.#subscriptions.clear();
    await this.#local.close();
  }

  get subscribed(): readonly string[] {
    return [...this.#subscriptions.keys()];
  }

  async #stand(subscription: RemoteSubscription): Promise<void> {
    await this.#relay.stand();
    subscription.standing = true;
  }

  // By way of the local driver, which lets one delivery end before the next begins.
  #arrive(channel: string, message: unknown): void {
    if (this.#subscriptions.get(channel)?.standing) void this.#local.publish(channel, message);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
