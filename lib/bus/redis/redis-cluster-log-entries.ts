import type { LogEntry, LogRecord } from './redis-cluster-log-store.js';

interface Kept extends LogRecord {
  readonly at: number;
  /** The newest epoch in which the log was seen to have it. */
  epoch: string;
}

/**
 * The entries that this process has applied, as long as they count: none is applied twice, and what
 * Redis loses is there to be recorded again.
 */
export class KeptEntries {
  readonly #retentionMs: number;
  readonly #byId = new Map<string, Kept>();

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  /** Whether an entry of the log has still to be applied. */
  isNew({ id, text, at }: LogEntry, epoch: string, now: number): boolean {
    const kept = this.#byId.get(id);
    if (kept !== undefined) kept.epoch = epoch;
    if (kept !== undefined || at < now - this.#retentionMs) return false;
    this.#byId.set(id, { id, text, at, epoch });
    return true;
  }

  /** Some of those that the log was not seen to have in an epoch. */
  missingIn(epoch: string, limit: number): LogRecord[] {
    const missing: LogRecord[] = [];
    for (const kept of this.#byId.values()) {
      if (missing.length >= limit) break;
      if (kept.epoch !== epoch) missing.push(kept);
    }
    return missing;
  }

  /** The log has them again. */
  restored(records: readonly LogRecord[], epoch: string): void {
    for (const { id } of records) {
      const kept = this.#byId.get(id);
      if (kept !== undefined) kept.epoch = epoch;
    }
  }

  forget(now: number): void {
    for (const [id, { at }] of this.#byId) {
      if (at >= now - this.#retentionMs) return;
      this.#byId.delete(id);
    }
  }
}
