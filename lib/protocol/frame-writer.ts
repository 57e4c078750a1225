import type { FrameEncoder } from './codec.js';
import type { Limits } from './limits.js';
import type { Schedule } from './schedule.js';
import type { Transport } from './transport.js';

/**
 * Gathers the frames that one turn of the event loop produces into one WebSocket message, and
 * tells producers when the socket takes no more.
 */
export class FrameWriter {
  readonly #encoder: FrameEncoder;
  readonly #transport: Transport;
  readonly #limits: Limits;
  #flushBytes: number;
  readonly #schedule: Schedule;
  readonly #onFull: () => void;
  #scheduled = false;
  #open = true;
  #unpausedBytes = 0;
  /** Whether producers may write: the socket's buffer is below its bound. */
  hasRoom = true;

  constructor(
    encoder: FrameEncoder,
    transport: Transport,
    limits: Limits,
    schedule: Schedule,
    onFull: () => void,
  ) {
    this.#encoder = encoder;
    this.#transport = transport;
    this.#limits = limits;
    this.#flushBytes = limits.flushBytes;
    this.#schedule = schedule;
    this.#onFull = onFull;
  }

  /**
   * How many bytes were written without room for them that no producer waits with: answers to a
   * peer that asks and asks and doesn't read.
   */
  get unpausedBytes(): number {
    return this.#unpausedBytes;
  }

  /**
   * Writes an item; returns its size as the credit counts it.
   *
   * @throws TypeError when it can't be encoded; nothing was written then.
   */
  item(stream: number, item: unknown): number {
    const size = this.#encoder.item(stream, item);
    this.#written();
    return size;
  }

  /**
   * Writes any other frame.
   *
   * @throws TypeError when a value in it can't be encoded; nothing was written then.
   */
  frame(frame: readonly unknown[]): void {
    const before = this.#encoder.size;
    this.#encoder.frame(frame);
    if (!this.hasRoom) this.#unpausedBytes += this.#encoder.size - before;
    this.#written();
  }

  /**
   * The peer takes messages of at most this size. What is gathered beside the largest frame is
   * counted by the codec's measure, of which one may take three bytes.
   */
  limitMessages(bytes: number): void {
    this.#flushBytes = Math.min(this.#limits.flushBytes, Math.floor(bytes / 8));
    this.#encoder.maxFrameBytes = bytes - 4 * this.#flushBytes;
  }

  /** Sends what was gathered, now. */
  readonly flush = (): void => {
    this.#scheduled = false;
    if (!this.#open) return;
    const message = this.#encoder.take();
    if (message !== undefined) this.#transport.send(message);
    this.hasRoom = this.#transport.bufferedBytes <= this.#limits.sendBufferBytes;
    if (this.hasRoom) this.#unpausedBytes = 0;
    else this.#onFull();
  };

  /** The socket's send buffer ran empty. */
  drained(): void {
    this.hasRoom = true;
    this.#unpausedBytes = 0;
  }

  /** Sends what was gathered, and nothing after it. */
  end(): void {
    this.flush();
    this.#open = false;
  }

  #written(): void {
    if (this.#encoder.size >= this.#flushBytes) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(this.flush);
    }
  }
}
