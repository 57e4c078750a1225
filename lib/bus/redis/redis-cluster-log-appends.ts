import { BusUnavailableError } from '../bus-error.js';
import type { LogRecord } from './redis-cluster-log-store.js';

/** Where the log has an entry. */
export interface LogPlace {
  readonly epoch: string;
  readonly seq: number;
}

/** That everybody has confirmed the entries up to a number. */
export interface Consent extends LogPlace {
  /** Whether everybody is known: nobody has a lease from an older epoch. */
  readonly isSettled: boolean;
}

interface Pending {
  readonly record: LogRecord;
  place: LogPlace;
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(): void;
  reject(error: Error): void;
}

/** What this process has recorded, and waits for others to confirm. */
export class PendingAppends {
  readonly #byId = new Map<string, Pending>();

  get size(): number {
    return this.#byId.size;
  }

  /** Resolves with the consent of all; rejects after `timeoutMs`. */
  add(record: LogRecord, place: LogPlace, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#take(record.id)?.reject(unconfirmed()), timeoutMs);
      this.#byId.set(record.id, { record, place, timer, resolve, reject });
    });
  }

  consent({ epoch, seq, isSettled }: Consent): void {
    if (!isSettled) return;
    for (const [id, { place }] of this.#byId) {
      if (place.epoch === epoch && place.seq <= seq) this.#take(id)?.resolve();
    }
  }

  /** Those that were recorded in another epoch, and may be lost. */
  notIn(epoch: string): LogRecord[] {
    const all = [...this.#byId.values()].filter(({ place }) => place.epoch !== epoch);
    return all.map(({ record }) => record);
  }

  /** It was recorded again. */
  moved(id: string, place: LogPlace): void {
    const pending = this.#byId.get(id);
    if (pending !== undefined) pending.place = place;
  }

  fail(error: Error): void {
    for (const id of [...this.#byId.keys()]) this.#take(id)?.reject(error);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#byId.get(id);
    this.#byId.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}

function unconfirmed(): BusUnavailableError {
  return new BusUnavailableError(
    'The entry was recorded, but not every server has confirmed it or fallen silent in time.',
  );
}
