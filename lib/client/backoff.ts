/** How long a client waits before it connects again. */
export interface BackoffOptions {
  /** The longest wait after the first failure, in ms; it doubles with each further one. @default 250 */
  readonly firstMs?: number;
  /** The longest wait at all, in ms. @default 30_000 */
  readonly maxMs?: number;
}

/**
 * Counts failures in a row. The waits have full jitter: each is random between nothing and its
 * bound, so that the clients of a server that restarts don't come back as one.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;
  #boundMs = 0;
  #until = 0;
  /** When the connection that stands was made. */
  #since: number | undefined;

  constructor(options: BackoffOptions = {}, random: () => number = Math.random) {
    this.#firstMs = options.firstMs ?? 250;
    this.#maxMs = options.maxMs ?? 30_000;
    this.#random = random;
  }

  /**
   * An attempt failed, or a connection was lost, at this time. `hopeless`: the next one would most
   * likely end the same way, so it waits as after many failures. A connection that stood for less
   * than the wait before it counts as one more failure in the row: a server that welcomes its
   * clients and drops them would otherwise be stormed.
   */
  failed(nowMs: number, hopeless = false): void {
    if (this.#since !== undefined && nowMs - this.#since >= this.#boundMs) this.#failures = 0;
    this.#since = undefined;
    const growingMs = this.#firstMs * 2 ** this.#failures;
    this.#boundMs = hopeless ? this.#maxMs : Math.min(this.#maxMs, growingMs);
    this.#failures = Math.min(this.#failures + 1, 30);
    this.#until = nowMs + this.#random() * this.#boundMs;
  }

  /** A connection stands since this time. */
  succeeded(nowMs: number): void {
    this.#since = nowMs;
    this.#until = 0;
  }

  /** How long the next attempt has to wait, in ms. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#until - nowMs);
  }
}
