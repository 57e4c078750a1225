/** How a server takes part in a log. */
export interface ClusterLogOptions {
  /** Which log: one of that name is shared by all servers of the cluster. */
  readonly name: string;
  /**
   * How long this server may count as current after it was last in touch with the log, in ms: from
   * 100 to an hour. All servers of a log should have the same: where they differ, the longest one counts
   * for those who wait.
   */
  readonly leaseMs: number;
  /** How long an entry is kept for servers that come later, in ms; at least `leaseMs`. */
  readonly retentionMs: number;
  /**
   * Takes in one entry; `at` is when it was recorded, in ms since the epoch by the log's clock. Called
   * once per entry in each server, its own included, in the log's order and never before the last one
   * has settled. The entry is confirmed when this has returned, or its promise has resolved; until
   * then the lease is not renewed. What throws leaves a hole: `lost`, then `regained(false)`.
   */
  apply(entry: string, at: number): void | Promise<void>;
  /** This server is out of touch for longer than its lease: entries may be missing. Must not throw. */
  lost(): void;
  /**
   * Follows each `lost`, when all entries there are have been applied. `isWhole` is false where some
   * may be missing for good: the log's storage has lost data meanwhile. Must not throw.
   */
  regained(isWhole: boolean): void;
}

/**
 * A list of entries that every server of a cluster applies, and that tells when they all have.
 * `lib/bus/spec/cluster-log.contract.ts` holds the implementations to what stands here.
 */
export interface ClusterLog {
  /**
   * Resolves when the kept entries are applied and this server is current for the first time. It
   * stays pending while the log can't be reached. Rejects with a `BusUnavailableError` when the log
   * is refused for good, or closed before.
   */
  readonly ready: Promise<void>;

  /**
   * Whether this server may act on what it knows: false before `ready`, after `close`, and once it
   * was out of touch for longer than its lease, by its monotonic clock or by its wall clock. It may
   * turn false some moments before `lost` is called. Cheap.
   */
  readonly isCurrent: boolean;

  /**
   * Records an entry. Resolves when each server of the cluster, this one included, has confirmed it,
   * or is not current and won't be before it has applied it. Rejects with a `BusUnavailableError` when
   * that can't be said in time: no later than a lease, its margin and the time that a command may
   * take. Those who heard of the entry have applied it then, or will; it may be appended again, which
   * makes another entry. Rejects with a `TypeError` for text that is not well-formed.
   */
  append(entry: string): Promise<void>;

  /**
   * Leaves the log at once, so that nobody waits for this server: it is not current any more, what it
   * still appends is rejected. Resolves when the others know, or can't be told. Harmless when
   * repeated.
   */
  close(): Promise<void>;
}

const SHORTEST_LEASE_MS = 100;
const LONGEST_LEASE_MS = 3_600_000;

/** @throws TypeError with a sentence that names the option. */
export function checkClusterLogOptions({ name, leaseMs, retentionMs }: ClusterLogOptions): void {
  if (typeof name !== 'string' || name === '' || !isWellFormed(name)) {
    throw wrong('name must be well-formed text that is not empty', name);
  }
  if (!isWhole(leaseMs, SHORTEST_LEASE_MS, LONGEST_LEASE_MS)) {
    const range = `from ${SHORTEST_LEASE_MS} to ${LONGEST_LEASE_MS}`;
    throw wrong(`leaseMs must be a whole number ${range}`, leaseMs);
  }
  if (!isWhole(retentionMs, leaseMs, Number.MAX_SAFE_INTEGER / 2)) {
    throw wrong('retentionMs must be a whole number that is not below leaseMs', retentionMs);
  }
}

/** @throws TypeError for an entry that would not arrive as it is. */
export function checkEntry(entry: string): void {
  if (typeof entry === 'string' && isWellFormed(entry)) return;
  throw new TypeError('An entry of a cluster log must be well-formed text.');
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

/** Half a surrogate pair has no bytes: two texts would become one. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function wrong(sentence: string, value: unknown): TypeError {
  return new TypeError(`A cluster log's ${sentence}, not ${String(value)}.`);
}
