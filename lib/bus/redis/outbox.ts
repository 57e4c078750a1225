import type { CodecLimits } from '../../protocol/codec.js';
import type { ModelPort } from '../../protocol/model-port.js';
import { BatchEncoder } from './batch-encoder.js';
import type { InFlight } from './in-flight.js';

/** Sends a batch of `count` messages on one channel; messages of one channel may not overtake each other. */
export type SendBatch = (channel: string, batch: Buffer, count: number) => Promise<unknown>;

export interface OutboxOptions {
  readonly models: ModelPort;
  readonly limits: CodecLimits;
  readonly maxMessageBytes: number;
  /** Bytes left free at the start of each batch, for `send` to fill in. */
  readonly headerBytes: number;
  readonly inFlight: InFlight;
  readonly send: SendBatch;
}

/** A batch of this size goes at once: larger ones gain nothing. */
const FULL_BYTES = 65_536;

/** What one turn of the event loop publishes on one channel, with one promise for all of it. */
class Batch {
  readonly sent: Promise<void>;
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} };

  constructor(readonly encoder: BatchEncoder) {
    this.sent = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  settle(reply: Promise<unknown>, atLast: () => void): void {
    reply.then(
      () => {
        atLast();
        this.#settle.resolve();
      },
      (error: unknown) => {
        atLast();
        this.#settle.reject(error);
      },
    );
  }
}

/** Gathers what is published in one turn of the event loop, and sends it when the turn is over. */
export class Outbox {
  readonly #options: OutboxOptions;
  #batches = new Map<string, Batch>();
  #flushes: NodeJS.Immediate | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /**
   * Encodes a message at once and sends it with this turn's others. Resolves when Redis has confirmed
   * it; rejects with what `send` rejects with.
   *
   * @throws TypeError for a message that can't be sent, BusUnavailableError when too much is under way.
   */
  add(channel: string, message: unknown): Promise<void> {
    const { inFlight } = this.#options;
    inFlight.check();
    const batch = this.#batches.get(channel) ?? this.#begin(channel);
    inFlight.add(batch.encoder.add(message));
    if (batch.encoder.bytes >= FULL_BYTES) this.#send(channel, batch);
    return batch.sent;
  }

  /** Sends what was gathered, without waiting for the turn's end. */
  flush(): void {
    clearImmediate(this.#flushes);
    this.#flushes = undefined;
    for (const [channel, batch] of this.#batches) this.#send(channel, batch);
  }

  #begin(channel: string): Batch {
    const { models, limits, maxMessageBytes, headerBytes } = this.#options;
    const batch = new Batch(new BatchEncoder(models, limits, maxMessageBytes, headerBytes));
    this.#batches.set(channel, batch);
    this.#flushes ??= setImmediate(() => this.flush());
    return batch;
  }

  #send(channel: string, batch: Batch): void {
    this.#batches.delete(channel);
    const { encoder } = batch;
    const { count, bytes } = encoder;
    if (count === 0) return;
    const { inFlight, send } = this.#options;
    const reply = send(channel, encoder.take(), count);
    batch.settle(reply, () => inFlight.remove(count, bytes));
  }
}
