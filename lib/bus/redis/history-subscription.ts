import { BusUnavailableError } from '../bus-error.js';
import type { HistoryReceiver, HistoryRecord, HistorySubscription } from '../history-driver.js';
import type { HistoryBatch } from './history-records.js';
import type { RawReceiver, RawSubscription } from './redis-connections.js';

/** What a subscription needs of the driver. */
export interface HistorySubscriptionContext {
  records(channel: string, batch: HistoryBatch): HistoryRecord[];
  bad(channel: string, problem: string): void;
  /** Runs what delivers, when nothing else is delivered. */
  inTurn(deliver: () => void): void;
  ended(subscription: LiveHistory): void;
}

const NEW_LINE = 0x0a;

/** One subscription to what is published on a channel with history. */
export class LiveHistory implements HistorySubscription, RawReceiver {
  readonly ready: Promise<void>;
  readonly #channel: string;
  readonly #receiver: HistoryReceiver;
  readonly #context: HistorySubscriptionContext;
  #settle: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  #raw: RawSubscription | undefined;
  #stood = false;
  #isOver = false;

  constructor(channel: string, receiver: HistoryReceiver, context: HistorySubscriptionContext) {
    this.#channel = channel;
    this.#receiver = receiver;
    this.#context = context;
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Nobody has to wait for it.
    this.ready.catch(() => {});
  }

  /** Called once, with what keeps the channel at Redis. */
  connect(raw: RawSubscription): void {
    this.#raw = raw;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#raw?.cancel();
    this.#context.ended(this);
  }

  /** Ends it for a reason that will not go away. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#settle.reject(error);
    this.cancel();
    if (this.#stood) this.#receiver.failed(error);
  }

  message(payload: Buffer): void {
    const batch = parseBatch(payload);
    if (batch === undefined)
      return this.#context.bad(this.#channel, 'something that is no batch of messages');
    const records = this.#context.records(this.#channel, batch);
    this.#context.inTurn(() => this.#give(records));
  }

  stands(): void {
    if (this.#stood) this.#receiver.resumed();
    this.#stood = true;
    this.#settle.resolve();
  }

  /** What is lost now is found when the subscription stands again. */
  interrupted(): void {}

  failed(cause: Error): void {
    const message = `Redis refuses the channel "${this.#channel}": ${cause.message}`;
    this.fail(new BusUnavailableError(message, { cause }));
  }

  #give(records: readonly HistoryRecord[]): void {
    for (const record of records) {
      if (this.#isOver) return;
      this.#receiver.record(record);
    }
  }
}

/** What the script has published: where the batch stands, a line's end, the batch. */
function parseBatch(payload: Buffer): HistoryBatch | undefined {
  const end = payload.indexOf(NEW_LINE);
  if (end < 0) return undefined;
  const [previous = '', position = '', count] = payload.toString('latin1', 0, end).split(' ');
  const isBatch = position !== '' && Number.isSafeInteger(Number(count)) && Number(count) > 0;
  return isBatch
    ? { previous, position, count: Number(count), bytes: payload, start: end + 1 }
    : undefined;
}
