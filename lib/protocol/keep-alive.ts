/** What keep-alive does to its connection. */
export interface KeepAlivePort {
  ping(): void;
  /** Nothing came in time: the connection is dead. */
  dead(): void;
}

/**
 * Pings a silent peer and gives it up when no answer comes. One timer for each connection, and
 * none for each frame: a frame only leaves a mark that the timer finds.
 */
export class KeepAlive {
  readonly #port: KeepAlivePort;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #pingedAt = 0;

  constructor(port: KeepAlivePort, intervalMs: number, timeoutMs: number) {
    this.#port = port;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
  }

  start(): void {
    this.heard();
    this.#wait(this.#intervalMs, this.#quiet);
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #quiet = (): void => {
    const now = performance.now();
    const restMs = this.#heardAt + this.#intervalMs - now;
    if (restMs > 0) return this.#wait(restMs, this.#quiet);
    this.#pingedAt = now;
    this.#wait(this.#timeoutMs, this.#unanswered);
    this.#port.ping();
  };

  /**
   * Looks once more behind a turn of the event loop: where the process itself was held up, the answer
   * may have come and not been read yet.
   */
  readonly #unanswered = (): void => {
    if (this.#heardAt > this.#pingedAt) this.#quiet();
    else this.#wait(1, this.#stillUnanswered);
  };

  readonly #stillUnanswered = (): void => {
    if (this.#heardAt > this.#pingedAt) this.#quiet();
    else this.#port.dead();
  };

  #wait(ms: number, then: () => void): void {
    this.#timer = setTimeout(then, ms);
  }
}
