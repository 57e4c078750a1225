import type { DriverSubscription } from './bus-driver.js';
import type { LocalChannel } from './channel.js';
import type { ChannelHistory } from './define-channel.js';
import { historyGap } from './gap.js';
import type {
  HistoryDriver,
  HistoryPage,
  HistoryReceiver,
  HistoryRecord,
  HistoryStart,
  HistorySubscription,
} from './history-driver.js';
import { HistoryFollower } from './history-follower.js';

/**
 * What keeps a channel with history supplied in this process: it follows what the driver passes on
 * and gives the channel each record published since it stands, once and in order, or a gap.
 */
export class HistoryFeed implements HistoryReceiver, DriverSubscription {
  readonly ready: Promise<void>;
  readonly #channel: LocalChannel;
  readonly #driver: HistoryDriver;
  readonly #history: ChannelHistory;
  readonly #follower: HistoryFollower;
  readonly #subscription: HistorySubscription;
  #stand: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(channel: LocalChannel, driver: HistoryDriver, history: ChannelHistory) {
    this.#channel = channel;
    this.#driver = driver;
    this.#history = history;
    this.ready = new Promise((resolve, reject) => {
      this.#stand = resolve;
      this.#fail = reject;
    });
    this.#follower = this.#createFollower();
    this.#subscription = driver.subscribe(channel.name, history, this);
    this.#begin(this.#subscription);
  }

  /** The position of the record that the channel was given last. */
  get position(): string {
    return this.#follower.position;
  }

  read(from: HistoryStart, limit: number): Promise<HistoryPage> {
    return this.#driver.read(this.#channel.name, this.#history, from, limit);
  }

  record(record: HistoryRecord): void {
    this.#follower.offer(record);
  }

  resumed(): void {
    this.#follower.check();
  }

  failed(error: unknown): void {
    this.#channel.fail(error);
  }

  cancel(): void {
    this.#follower.close();
    this.#subscription.cancel();
  }

  #createFollower(): HistoryFollower {
    return new HistoryFollower({
      read: (from, limit) => this.read(from, limit),
      record: (record) => this.#deliver(record),
      gap: (reason) => this.#channel.lost(historyGap(reason)),
      // The members have bounds of their own.
      room: () => Number.POSITIVE_INFINITY,
      full: () => {},
      live: () => this.#stand(),
      failed: (error) => this.#channel.fail(error),
    });
  }

  #begin({ ready, position }: HistorySubscription): void {
    if (position !== undefined) {
      this.#follower.beginLive(position);
      ready.then(this.#stand, this.#fail);
    } else ready.then(() => this.#follower.begin('end'), this.#fail);
  }

  #deliver(record: HistoryRecord): void {
    if (record.kind === 'message') this.#channel.message(record.message, record);
  }
}
