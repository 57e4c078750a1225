import type { ChannelReceiver, DriverSubscription } from '../bus-driver.js';
import { BusUnavailableError } from '../bus-error.js';
import type { BusHooks } from '../bus-hooks.js';
import type { LocalDriver } from '../local-driver.js';
import type { BatchDecoder, BatchReceiver } from './batch-decoder.js';
import { HEADER_BYTES, readHeader } from './batch-header.js';
import { SenderOrder } from './batch-order.js';
import type { RawReceiver, RawSubscription } from './redis-connections.js';

/** What the channels of a driver share. */
export interface ChannelContext {
  readonly decoder: BatchDecoder;
  readonly hooks: BusHooks;
  /** Delivers within the process, one message after the other. */
  readonly local: LocalDriver;
  /** Takes notice that a channel is over. */
  ended(channel: EphemeralChannel): void;
}

/**
 * One subscription to an ephemeral channel: takes its batches apart, delivers what is good, and tells
 * of every place where something is missing.
 */
export class EphemeralChannel implements DriverSubscription, RawReceiver {
  readonly ready: Promise<void>;
  readonly #name: string;
  readonly #receiver: ChannelReceiver;
  readonly #context: ChannelContext;
  readonly #local: DriverSubscription;
  readonly #order = new SenderOrder();
  readonly #each: BatchReceiver;
  #settle: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  #raw: RawSubscription | undefined;
  /** Why messages were lost that nobody has been told of yet. */
  #loss: string | undefined;
  #isOver = false;

  constructor(name: string, receiver: ChannelReceiver, context: ChannelContext) {
    this.#name = name;
    this.#receiver = receiver;
    this.#context = context;
    this.#local = context.local.subscribe(name, receiver);
    this.#each = {
      message: (message) => void context.local.publish(name, message),
      bad: (problem) => this.#bad(problem),
    };
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
    this.#local.cancel();
    this.#raw?.cancel();
    this.#context.ended(this);
  }

  /** Ends it for a reason that will not go away. */
  fail(error: Error): void {
    this.#settle.reject(error);
    this.cancel();
  }

  message(payload: Buffer): void {
    this.#tellLoss();
    const header = readHeader(payload);
    if (header === undefined) return this.#bad('something that is no batch of messages');
    const place = this.#order.see(header);
    if (place === 'late') return this.#bad('messages that come too late');
    if (place === 'gap') this.#receiver.gap('messages of a server were lost on their way');
    this.#context.decoder.decode(payload, HEADER_BYTES, this.#each);
  }

  stands(): void {
    this.#tellLoss();
    this.#settle.resolve();
  }

  interrupted(reason: string): void {
    this.#order.reset();
    this.#loss = `the connection to Redis was lost: ${reason}`;
  }

  failed(cause: Error): void {
    const message = `Redis refuses the channel "${this.#name}": ${cause.message}`;
    this.fail(new BusUnavailableError(message, { cause }));
  }

  /** When what comes next arrives again, and no earlier: whoever reads up now misses nothing. */
  #tellLoss(): void {
    const reason = this.#loss;
    this.#loss = undefined;
    if (reason !== undefined) this.#receiver.gap(reason);
  }

  #bad(problem: string): void {
    this.#context.hooks.badMessage?.(this.#name, problem);
  }
}
