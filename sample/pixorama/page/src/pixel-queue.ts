import type { ImageUpdate } from '../../src/image.js';

/** Sends one pixel; settles once the server accepted or refused it. */
export type SendPixel = (update: ImageUpdate) => Promise<void>;

export interface PixelQueueListener {
  accepted(update: ImageUpdate): void;
  refused(update: ImageUpdate, error: unknown): void;
}

/** Well below the 128 calls a server lets one connection have open. */
const MAX_UNDER_WAY = 64;

/** A hand that draws faster than this much can wait has to lift. */
const MAX_WAITING = 4096;

/** Sends pixels in the order they were drawn, a bounded number of them at a time. */
export class PixelQueue {
  readonly #send: SendPixel;
  readonly #listener: PixelQueueListener;
  readonly #waiting: ImageUpdate[] = [];
  #underWay = 0;

  constructor(send: SendPixel, listener: PixelQueueListener) {
    this.#send = send;
    this.#listener = listener;
  }

  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  add(update: ImageUpdate): void {
    this.#waiting.push(update);
    this.#fill();
  }

  /** Drops what was not sent yet. */
  clear(): void {
    this.#waiting.length = 0;
  }

  #fill(): void {
    while (this.#underWay < MAX_UNDER_WAY) {
      const update = this.#waiting.shift();
      if (update === undefined) return;
      this.#underWay++;
      void this.#deliver(update);
    }
  }

  async #deliver(update: ImageUpdate): Promise<void> {
    try {
      await this.#send(update);
      this.#listener.accepted(update);
    } catch (error) {
      this.#listener.refused(update, error);
    } finally {
      this.#underWay--;
      this.#fill();
    }
  }
}
