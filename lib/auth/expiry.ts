/** How long one timer waits at most: a clock that was set, or a machine that slept, is noticed by then. */
const LONGEST_WAIT_MS = 60_000;

/** How long before the end new credentials are asked for, at most, and as a part of what is left. */
const NOTICE_MS = 60_000;
const NOTICE_PART = 0.2;

/** What happens as an authentication comes to its end. */
export interface ExpiryPort {
  /** It will end soon. Called once. */
  soon(): void;
  /** It has ended. Called once, last. */
  over(): void;
}

/** Watches the wall clock for the end of one authentication; dates far ahead are no trouble. */
export class Expiry {
  readonly #at: number;
  readonly #noticeAt: number;
  readonly #port: ExpiryPort;
  #told = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(expiresAt: Date, port: ExpiryPort) {
    this.#at = expiresAt.getTime();
    const left = this.#at - Date.now();
    this.#noticeAt = this.#at - Math.min(NOTICE_MS, left * NOTICE_PART);
    this.#port = port;
  }

  start(): void {
    const now = Date.now();
    if (now >= this.#at) return this.#port.over();
    if (now >= this.#noticeAt && !this.#told) {
      this.#told = true;
      this.#port.soon();
    }
    const next = (this.#told ? this.#at : this.#noticeAt) - now;
    this.#timer = setTimeout(() => this.start(), Math.min(next, LONGEST_WAIT_MS));
    this.#timer.unref?.();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
