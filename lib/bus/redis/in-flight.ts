import { BusUnavailableError } from '../bus-error.js';

/** What is on its way to Redis and neither confirmed nor given up, and its bounds. */
export class InFlight {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #waiting: (() => void)[] = [];
  #messages = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  /** @throws BusUnavailableError when no more may be on its way. */
  check(): void {
    if (this.#messages < this.#maxMessages && this.#bytes < this.#maxBytes) return;
    const most = `${this.#maxMessages} messages and ${this.#maxBytes} bytes`;
    throw new BusUnavailableError(`No more than ${most} may be on their way to Redis.`);
  }

  add(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }

  /** They are confirmed, or given up. */
  remove(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
    if (this.#messages === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when nothing is on its way. */
  drained(): Promise<void> {
    if (this.#messages === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
