import { BusDriver, type ChannelReceiver, type DriverSubscription } from './bus-driver.js';
import type { ClusterLog, ClusterLogOptions } from './cluster-log.js';
import { LocalLogs } from './local-cluster-log.js';
import { LocalHistories } from './local-histories.js';

/** A message that waits, or what delivers something else. */
type Delivery = { readonly channel: string; readonly message: unknown } | (() => void);

/**
 * The driver of a bus that stays in its process: a message is delivered before `publish` returns.
 * One published from inside a delivery waits for that delivery to end, so that every receiver sees
 * the two in the same order, on one channel and across channels.
 */
export class LocalDriver extends BusDriver {
  readonly clustered = false;
  readonly history = new LocalHistories((deliver) => this.inTurn(deliver));
  readonly #receivers = new Map<string, ChannelReceiver>();
  readonly #logs = new LocalLogs();
  readonly #done = Promise.resolve();
  #waiting: Delivery[] = [];
  #delivering = false;

  publish(channel: string, message: unknown): Promise<void> {
    if (this.#delivering) this.#waiting.push({ channel, message });
    else this.#deliver(channel, message);
    return this.#done;
  }

  /** Runs what delivers when no other delivery is under way: at once, or after it. */
  inTurn(deliver: () => void): void {
    if (this.#delivering) this.#waiting.push(deliver);
    else this.#run(deliver);
  }

  subscribe(channel: string, receiver: ChannelReceiver): DriverSubscription {
    this.#receivers.set(channel, receiver);
    return {
      ready: this.#done,
      // The channel may have a new receiver by now: only one's own is taken away.
      cancel: () => {
        if (this.#receivers.get(channel) === receiver) this.#receivers.delete(channel);
      },
    };
  }

  openLog(options: ClusterLogOptions): ClusterLog {
    return this.#logs.open(options);
  }

  close(): Promise<void> {
    this.#receivers.clear();
    this.history.close();
    this.#logs.close();
    return this.#done;
  }

  #deliver(channel: string, message: unknown): void {
    this.#delivering = true;
    try {
      this.#receivers.get(channel)?.message(message);
      while (this.#waiting.length > 0) this.#deliverWaiting();
    } finally {
      this.#delivering = false;
    }
  }

  #run(deliver: () => void): void {
    this.#delivering = true;
    try {
      deliver();
      while (this.#waiting.length > 0) this.#deliverWaiting();
    } finally {
      this.#delivering = false;
    }
  }

  #deliverWaiting(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    for (const delivery of batch) {
      if (typeof delivery === 'function') delivery();
      else this.#receivers.get(delivery.channel)?.message(delivery.message);
    }
  }
}
