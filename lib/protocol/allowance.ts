const MINUTE_MS = 60_000;

/** How often something may happen: so many times at once, and as many again in each minute. */
export class Allowance {
  readonly #perMinute: number;
  #left: number;
  #at = performance.now();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
    this.#left = perMinute;
  }

  /** Takes one; false when none is left. */
  take(): boolean {
    const now = performance.now();
    const earned = ((now - this.#at) / MINUTE_MS) * this.#perMinute;
    this.#left = Math.min(this.#perMinute, this.#left + earned);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
