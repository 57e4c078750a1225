/** A moment by both clocks of this process, in ms. */
export interface Moment {
  /** By the one that only goes on; it may stand while the machine sleeps. */
  readonly steady: number;
  /** By the one that tells the time; it may be set. */
  readonly wall: number;
}

export function thisMoment(): Moment {
  return { steady: performance.now(), wall: Date.now() };
}

/** What is added to a lease by those who wait for its end: clocks don't run alike. In ms. */
export function marginMs(leaseMs: number): number {
  return 100 + leaseMs / 100;
}

/**
 * How long this process may count as current: over when either clock says so, and then until it is
 * renewed, whatever the clocks say later.
 */
export class Lease {
  readonly #ms: number;
  readonly #onOver: () => void;
  #steadyEnd = Number.NEGATIVE_INFINITY;
  #wallEnd = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onOver called soon after it is over; not where it is renewed or ended by then */
  constructor(ms: number, onOver: () => void) {
    this.#ms = ms;
    this.#onOver = onOver;
  }

  get isHeld(): boolean {
    if (performance.now() <= this.#steadyEnd && Date.now() <= this.#wallEnd) return true;
    this.#steadyEnd = Number.NEGATIVE_INFINITY;
    return false;
  }

  /** It runs from this moment on, which may be past. */
  renew({ steady, wall }: Moment): void {
    this.#steadyEnd = steady + this.#ms;
    this.#wallEnd = wall + this.#ms;
    this.#timer ??= this.#watch();
  }

  end(): void {
    this.#steadyEnd = Number.NEGATIVE_INFINITY;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One timer, however often it is renewed. */
  #watch(): ReturnType<typeof setTimeout> {
    const leftMs = Math.max(this.#steadyEnd - performance.now(), 0);
    return setTimeout(() => this.#look(), Math.ceil(leftMs) + 1);
  }

  #look(): void {
    this.#timer = this.isHeld ? this.#watch() : undefined;
    if (this.#timer === undefined) this.#onOver();
  }
}
