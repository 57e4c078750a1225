import { BusDriver, type ChannelReceiver, type DriverSubscription } from './bus-driver.js';

interface Delivery {
  readonly channel: string;
  readonly message: unknown;
}

/**
 * The driver of a bus that stays in its process: a message is delivered before `publish` returns.
 * One published from inside a delivery waits for that delivery to end, so that every receiver sees
 * the two in the same order, on one channel and across channels.
 */
export class LocalDriver extends BusDriver {
  readonly clustered = false;
  readonly #receivers = new Map<string, ChannelReceiver>();
  readonly #done = Promise.resolve();
  #waiting: Delivery[] = [];
  #delivering = false;

  publish(channel: string, message: unknown): Promise<void> {
    if (this.#delivering) this.#waiting.push({ channel, message });
    else this.#deliver(channel, message);
    return this.#done;
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

  close(): Promise<void> {
    this.#receivers.clear();
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

  #deliverWaiting(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    for (const { channel, message } of batch) this.#receivers.get(channel)?.message(message);
  }
}
