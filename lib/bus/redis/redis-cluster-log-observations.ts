import { marginMs } from './redis-cluster-log-lease.js';

interface Sample {
  readonly beat: number;
  /** When this process heard of it, by its monotonic clock. */
  readonly at: number;
}

/** More of them would make nothing more exact. */
const SAMPLES_PER_LEASE = 100;

/**
 * What a process has seen of an epoch, by its own monotonic clock, so that it knows whose lease is
 * over without trusting any other: a beat that it has heard of was sent before it heard of it.
 */
export class Observations {
  #epoch = '';
  #since = 0;
  #leaseMs: number;
  /** The oldest first; at most one of them is older than a lease. */
  #samples: Sample[] = [];

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** The longest lease that anybody was seen to have. */
  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** Beats up to this number were sent before now; `leaseMs` is the longest lease there is. */
  see(epoch: string, beat: number, leaseMs: number): void {
    const at = performance.now();
    this.#leaseMs = Math.max(this.#leaseMs, leaseMs);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#since = at;
      this.#samples = [];
    }
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < this.#leaseMs / SAMPLES_PER_LEASE) return;
    this.#samples.push({ beat, at });
    const oldest = this.#oldest();
    if (oldest > 0) this.#samples.splice(0, oldest);
  }

  /** Leases that run from a beat of this number or an older one are over; 0 where none is known to be. */
  silent(epoch: string): number {
    const sample = epoch === this.#epoch ? this.#samples[this.#oldest()] : undefined;
    return sample?.beat ?? 0;
  }

  /** Leases from before this epoch are over. */
  outlasts(epoch: string): boolean {
    return epoch === this.#epoch && this.#since < this.#limit();
  }

  /** Where the newest sample stands that is older than any lease; -1 for nowhere. */
  #oldest(): number {
    const limit = this.#limit();
    return this.#samples.findLastIndex(({ at }) => at < limit);
  }

  #limit(): number {
    return performance.now() - this.#leaseMs - marginMs(this.#leaseMs);
  }
}
