import type { FrameEncoder } from './codec.js';
import type { Limits } from './limits.js';
import type { Schedule } from './schedule.js';
import type { Transport } from './transport.js';

/** What a writer tells its link. */
export interface FrameWriterPort {
  /** The socket's buffer is above its bound. */
  full(): void;
  /** Producers may write again, though the socket reports nothing. */
  roomAgain(): void;
}

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
  readonly #port: FrameWriterPort;
  #scheduled = false;
  #open = true;
  #unpausedBytes = 0;
  /** Bytes sent since producers last waited for the event loop; they rest while they do. */
  #burstBytes = 0;
  #isResting = false;
  /** Whether producers may write: the socket's buffer is below its bound. */
  hasRoom = true;

  constructor(
    encoder: FrameEncoder,
    transport: Transport,
    limits: Limits,
    schedule: Schedule,
    port: FrameWriterPort,
  ) {
    this.#encoder = encoder;
    this.#transport = transport;
    this.#limits = limits;
    this.#flushBytes = limits.flushBytes;
    this.#schedule = schedule;
    this.#port = port;
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
    const isFull = this.#transport.bufferedBytes > this.#limits.sendBufferBytes;
    this.hasRoom = !isFull && !this.#isResting;
    if (isFull) this.#port.full();
    else this.#unpausedBytes = 0;
  };

  /** The socket's send buffer ran empty. */
  drained(): void {
    this.hasRoom = !this.#isResting;
    this.#unpausedBytes = 0;
  }

  /** Sends what was gathered, and nothing after it. */
  end(): void {
    this.flush();
    this.#open = false;
  }

  #written(): void {
    if (this.#encoder.size >= this.#flushBytes) {
      this.#flushEarly();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(this.flush);
    }
  }

  /**
   * A source that never waits and a peer that reads as fast would keep the event loop to
   * themselves, so producers wait for its next turn now and then.
   */
  #flushEarly(): void {
    this.#burstBytes += this.#encoder.size;
    this.flush();
    if (this.#burstBytes <= this.#limits.sendBufferBytes || this.#isResting) return;
    this.#isResting = true;
    this.hasRoom = false;
    this.#schedule(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#isResting = false;
    this.#burstBytes = 0;
    this.flush();
    if (this.hasRoom) this.#port.roomAgain();
  };
}
