import type { BusStatus } from '../bus-driver.js';
import { BusUnavailableError } from '../bus-error.js';

interface Waiting {
  readonly timer: ReturnType<typeof setTimeout> | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/** How it stands with all connections together, and who waits for it to be well. */
export class ConnectionStatus {
  readonly #onChange: (status: BusStatus, reason: string) => void;
  readonly #waiting = new Set<Waiting>();
  #status: BusStatus = 'reconnecting';
  #isTold = false;
  #reason = '';

  constructor(onChange: (status: BusStatus, reason: string) => void) {
    this.#onChange = onChange;
  }

  get current(): BusStatus {
    return this.#status;
  }

  connected(): void {
    if (this.#status !== 'reconnecting') return;
    this.#change('connected', '');
    for (const waiting of this.#take()) waiting.resolve();
  }

  /** Not, or no more; `reason` is kept for those who wait in vain. */
  troubled(reason: string): void {
    this.#reason = reason;
    if (this.#status === 'connected' || !this.#isTold) this.#change('reconnecting', reason);
  }

  closed(): void {
    if (this.#status === 'closed') return;
    this.#change('closed', '');
    const error = new BusUnavailableError('The message bus is closed.');
    for (const waiting of this.#take()) waiting.reject(error);
  }

  /**
   * Resolves when all is connected. After `timeoutMs` it rejects, with what `explain` makes of the
   * last reason; without a time it waits as long as it takes.
   */
  wait(timeoutMs: number | undefined, explain: (reason: string) => Error): Promise<void> {
    if (this.#status === 'connected') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(waiting);
        reject(explain(this.#reason || 'no answer'));
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs);
      const waiting: Waiting = { timer, resolve, reject };
      this.#waiting.add(waiting);
    });
  }

  #change(status: BusStatus, reason: string): void {
    this.#isTold = true;
    this.#status = status;
    this.#onChange(status, reason);
  }

  #take(): Waiting[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const { timer } of all) clearTimeout(timer);
    return all;
  }
}
