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
  /** What was gathered may not be sent: it is gone, and nothing is sent any more. */
  forbidden(): void;
}

/** Items that a connection writes in a row: small ones cost more time than bytes, about 1 ms here. */
const BURST_ITEMS = 4096;

/**
 * Gathers the frames that one turn of the event loop produces into one WebSocket message, and
 * tells producers when the socket takes no more.
 */
export class FrameWriter {
  // In the order in which an item needs them, so that they lie near together.
  /** Whether producers may write: the socket's buffer is below its bound. */
  hasRoom = true;
  #scheduled = false;
  #isResting = false;
  #open = true;
  readonly #encoder: FrameEncoder;
  readonly #transport: Transport;
  #flushBytes: number;
  /** Written and sent since producers last waited for the event loop; they rest while they do. */
  #burstItems = 0;
  /** Asked whenever something gathered is to be sent, whether it may be. May not throw. */
  maySend: (() => boolean) | undefined;
  readonly #limits: Limits;
  #unpausedBytes = 0;
  readonly #schedule: Schedule;
  #burstBytes = 0;
  readonly #port: FrameWriterPort;

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
    if (++this.#burstItems >= BURST_ITEMS) this.#rest();
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
  flush(): void {
    this.#scheduled = false;
    if (!this.#open) return;
    const message = this.#encoder.take();
    if (message !== undefined && !this.#transport.send(message, this.maySend)) {
      return this.#forbidden();
    }
    const isFull = this.#transport.bufferedBytes > this.#limits.sendBufferBytes;
    this.hasRoom = !isFull && !this.#isResting;
    if (isFull) this.#port.full();
    else this.#unpausedBytes = 0;
  }

  /** For the schedule: the turn is over. */
  run(): void {
    const wasResting = this.#isResting;
    if (wasResting) {
      this.#isResting = false;
      this.#burstItems = 0;
      this.#burstBytes = 0;
    }
    this.flush();
    if (wasResting && this.hasRoom) this.#port.roomAgain();
  }

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

  #forbidden(): void {
    this.#open = false;
    this.#port.forbidden();
  }

  #written(): void {
    if (this.#encoder.size >= this.#flushBytes) this.#flushEarly();
    else this.#whenTurnEnds();
  }

  #flushEarly(): void {
    this.#burstBytes += this.#encoder.size;
    this.flush();
    if (this.#burstBytes > this.#limits.sendBufferBytes) this.#rest();
  }

  /**
   * Sources that never wait and a peer that reads as fast would keep the event loop to themselves,
   * so producers wait for its next turn now and then.
   */
  #rest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.hasRoom = false;
    this.#whenTurnEnds();
  }

  #whenTurnEnds(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this);
  }
}
