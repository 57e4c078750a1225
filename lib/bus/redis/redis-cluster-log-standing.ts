import type { ClusterLogOptions } from '../cluster-log.js';
import { Lease, type Moment } from './redis-cluster-log-lease.js';

/** What the owner of a log is told of its standing. */
export type StandingListener = Pick<ClusterLogOptions, 'lost' | 'regained'>;

/** Whether a server is current, from its joining to its end, and who is told. */
export class Standing {
  /** Resolves when it is current for the first time. */
  readonly ready: Promise<void>;
  readonly #listener: StandingListener;
  readonly #lease: Lease;
  #state: 'joining' | 'held' | 'lost' | 'closed' = 'joining';
  /** The epoch in which the lease was renewed last. */
  #epoch = '';
  /** Whether an entry is missing here for good. */
  #hasHole = false;
  #settleReady: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };

  constructor(leaseMs: number, listener: StandingListener) {
    this.#listener = listener;
    this.#lease = new Lease(leaseMs, () => this.#lose());
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Nobody has to wait for it.
    this.ready.catch(() => {});
  }

  get isCurrent(): boolean {
    return this.#lease.isHeld;
  }

  get isJoining(): boolean {
    return this.#state === 'joining';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Everything that was there at this moment is applied. */
  renew(from: Moment, epoch: string): void {
    if (!this.#lease.isHeld) this.#lose();
    this.#lease.renew(from);
    if (this.#lease.isHeld) this.#hold(epoch);
  }

  /** An entry will never be applied here. */
  damage(): void {
    this.#hasHole = true;
    this.#lease.end();
    this.#lose();
  }

  close(error: Error): void {
    this.#state = 'closed';
    this.#lease.end();
    this.#settleReady.reject(error);
  }

  #hold(epoch: string): void {
    // Who kept its lease has missed nothing that anybody was told to be confirmed.
    const isWhole = this.#epoch === epoch && !this.#hasHole;
    const before = this.#state;
    this.#epoch = epoch;
    this.#hasHole = false;
    this.#state = 'held';
    if (before === 'joining') this.#settleReady.resolve();
    if (before === 'lost') this.#listener.regained(isWhole);
  }

  #lose(): void {
    if (this.#state !== 'held') return;
    this.#state = 'lost';
    this.#listener.lost();
  }
}
