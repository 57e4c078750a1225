import { randomBytes } from 'node:crypto';
import { BusUnavailableError } from '../bus-error.js';
import type { BusHooks } from '../bus-hooks.js';
import { type ClusterLog, type ClusterLogOptions, checkEntry } from '../cluster-log.js';
import { PendingAppends } from './redis-cluster-log-appends.js';
import { KeptEntries } from './redis-cluster-log-entries.js';
import { type Moment, marginMs, thisMoment } from './redis-cluster-log-lease.js';
import { Observations } from './redis-cluster-log-observations.js';
import { Pulse } from './redis-cluster-log-pulse.js';
import { Standing } from './redis-cluster-log-standing.js';
import {
  type BeatReply,
  type LogEntry,
  type LogRecord,
  LogStore,
  PAGE,
  parseChange,
} from './redis-cluster-log-store.js';
import type { RawReceiver, RawSubscription, RedisConnections } from './redis-connections.js';
import { REFUSAL } from './redis-refusal.js';

export interface RedisClusterLogContext {
  readonly connections: RedisConnections;
  /** How long Redis may take to answer, in ms. */
  readonly publishTimeoutMs: number;
  readonly hooks: BusHooks;
  /** It is closed. */
  ended(log: RedisClusterLog): void;
}

/** Beats come no more rarely, in ms; in a lease there is room for four. */
const LONGEST_REST_MS = 5_000;
/** Between two looks for what was not told, while something waits for it. */
const POLL_MS = 100;
/** Between two attempts to reach a Redis that is not there. */
const RETRY_MS = 250;
/** Entries recorded again at once, where Redis has lost them. */
const RESTORED_AT_ONCE = 500;

/**
 * A log at Redis. Each server beats: it tells what it has applied and fetches what it has not, now and
 * then and whenever a change is published. With each beat that finds nothing missing its lease begins
 * anew.
 *
 * It promises what `ClusterLog` says whatever Redis loses, as long as one server at a time takes
 * itself for the primary. Where replicas are promoted by sentinels, that takes
 * `min-replicas-to-write 1` on the primary: otherwise one that was cut off goes on for a while.
 */
export class RedisClusterLog implements ClusterLog, RawReceiver {
  readonly #options: ClusterLogOptions;
  readonly #context: RedisClusterLogContext;
  readonly #store: LogStore;
  readonly #standing: Standing;
  readonly #observed: Observations;
  readonly #kept: KeptEntries;
  readonly #appends = new PendingAppends();
  readonly #pulse = new Pulse(() => this.#turn());
  readonly #restMs: number;
  #raw: RawSubscription | undefined;
  /** Whether it was told that Redis refuses the channel. */
  #isRefusalTold = false;
  #epoch = '';
  /** The number of the last entry of the epoch that is applied here. */
  #known = 0;
  /** The last beat of the epoch whose entries are all applied. */
  #good: { readonly beat: number; readonly sentAt: Moment } | undefined;
  /** The epoch that has all entries of this process. */
  #restored = '';

  constructor(options: ClusterLogOptions, context: RedisClusterLogContext) {
    const { leaseMs, retentionMs } = options;
    this.#options = options;
    this.#context = context;
    this.#store = new LogStore(context.connections, options);
    this.#standing = new Standing(leaseMs, options);
    this.#observed = new Observations(leaseMs);
    this.#kept = new KeptEntries(retentionMs);
    this.#restMs = Math.min(Math.floor(leaseMs / 4), LONGEST_REST_MS);
  }

  get ready(): Promise<void> {
    return this.#standing.ready;
  }

  get isCurrent(): boolean {
    return this.#standing.isCurrent;
  }

  /** Called once; the first beat follows when the channel stands. */
  open(): void {
    this.#subscribe();
  }

  async append(text: string): Promise<void> {
    checkEntry(text);
    if (this.#standing.isClosed) throw closed();
    const startedAt = performance.now();
    const id = randomBytes(8).toString('hex');
    const reply = await this.#store.append([{ id, text, at: undefined }]).catch(toUnavailable);
    if (this.#standing.isClosed) throw closed();
    const { epoch, now: at, seqs } = reply;
    if (epoch === this.#epoch) this.#observed.see(epoch, reply.beat, reply.leaseMs);
    else this.#restored = '';
    const { leaseMs } = this.#observed;
    const longestMs = leaseMs + marginMs(leaseMs) + this.#context.publishTimeoutMs;
    const leftMs = longestMs - (performance.now() - startedAt);
    const confirmed = this.#appends.add({ id, text, at }, { epoch, seq: seqs[0] ?? 0 }, leftMs);
    this.#pulse.call();
    return confirmed;
  }

  async close(): Promise<void> {
    if (this.#standing.isClosed) return;
    this.#end(closed());
    await this.#store.leave().catch(() => {});
  }

  /** The log has changed. */
  message(payload: Buffer): void {
    const change = parseChange(payload);
    if (change === undefined || this.#standing.isClosed) return;
    const isNews = change.epoch !== this.#epoch || change.seq > this.#known;
    if (change.epoch === this.#epoch) this.#consent(change.lowest, change.isSettled);
    if (isNews) this.#pulse.call();
  }

  stands(): void {
    this.#isRefusalTold = false;
    this.#pulse.call();
  }

  /** What is missed now is found by the next beat. */
  interrupted(): void {}

  /** Who is a member goes on: beats do without, if later, and ask for the channel again. */
  failed(error: Error): void {
    if (this.#standing.isJoining) return this.#end(refused(error));
    this.#raw = undefined;
    if (this.#isRefusalTold) return;
    this.#isRefusalTold = true;
    this.#context.hooks.channelFailed?.(`log "${this.#options.name}"`, refused(error));
  }

  /** Resolves with the ms until the next turn. */
  async #turn(): Promise<number> {
    try {
      if (!(await this.#beat())) return 0;
      if (this.#raw === undefined && !this.#standing.isClosed) this.#subscribe();
      return this.#appends.size > 0 ? Math.min(POLL_MS, this.#restMs) : this.#restMs;
    } catch (error) {
      const isRefused = this.#standing.isJoining && REFUSAL.test((error as Error).message);
      if (isRefused) this.#end(refused(error as Error));
      return Math.min(RETRY_MS, this.#restMs);
    }
  }

  #subscribe(): void {
    this.#raw = this.#context.connections.subscribe(this.#store.channel, this);
  }

  /** Whether there is nothing more to do at once. */
  async #beat(): Promise<boolean> {
    const sentAt = thisMoment();
    const reply = await this.#sendBeat();
    if (this.#standing.isClosed) return true;
    this.#observed.see(reply.epoch, reply.beat, reply.leaseMs);
    if (reply.epoch !== this.#epoch) this.#enter(reply.epoch);
    else if (reply.trimmed > this.#known && !this.#standing.isJoining) this.#standing.damage();
    for (const entry of reply.entries) {
      await this.#take(entry, reply);
      if (this.#standing.isClosed) return true;
    }
    if (reply.entries.length === PAGE) {
      this.#known = reply.entries.at(-1)?.seq ?? this.#known;
      return false;
    }
    this.#known = reply.seq;
    this.#caughtUp(reply, sentAt);
    return (await this.#restore()) && reply.leasedFrom === reply.beat;
  }

  #sendBeat(): Promise<BeatReply> {
    const epoch = this.#epoch;
    const beat = {
      epoch,
      known: this.#known,
      good: this.#good?.beat ?? 0,
      silent: this.#observed.silent(epoch),
      settles: this.#observed.outlasts(epoch),
    };
    // Half a lease, so that there is time for another one.
    const timeoutMs = Math.min(this.#context.publishTimeoutMs, this.#options.leaseMs / 2);
    return this.#store.beat(beat, timeoutMs);
  }

  /** Another epoch: everything in the log is looked at, and nothing said before counts. */
  #enter(epoch: string): void {
    this.#epoch = epoch;
    this.#known = 0;
    this.#good = undefined;
    this.#restored = '';
  }

  async #take(entry: LogEntry, { epoch, now }: BeatReply): Promise<void> {
    if (Number.isNaN(entry.at)) return this.#bad('something that is no entry');
    if (!this.#kept.isNew(entry, epoch, now)) return;
    try {
      const applied = this.#options.apply(entry.text, entry.at);
      if (applied !== undefined) await applied;
    } catch (error) {
      this.#bad(`an entry that can not be applied: ${String(error)}`);
      this.#standing.damage();
    }
  }

  /** All that this beat found is applied: the lease begins anew, as Redis knows it, too. */
  #caughtUp(reply: BeatReply, sentAt: Moment): void {
    const before = this.#good;
    this.#good = { beat: reply.beat, sentAt };
    if (reply.leasedFrom === reply.beat) this.#standing.renew(sentAt, this.#epoch);
    else if (before !== undefined && reply.leasedFrom >= before.beat) {
      this.#standing.renew(before.sentAt, this.#epoch);
    }
    this.#consent(reply.lowest, reply.isSettled);
    this.#kept.forget(reply.now);
  }

  #consent(lowest: number, isSettled: boolean): void {
    const seq = Math.min(lowest, this.#known);
    this.#appends.consent({ epoch: this.#epoch, seq, isSettled });
  }

  /** Records again what Redis has lost. Whether there is nothing left to do. */
  async #restore(): Promise<boolean> {
    const epoch = this.#epoch;
    if (this.#restored === epoch) return true;
    const missing = this.#kept.missingIn(epoch, RESTORED_AT_ONCE);
    const all = [...missing, ...this.#appends.notIn(epoch)];
    const records: LogRecord[] = [...new Map(all.map((it) => [it.id, it])).values()];
    if (records.length === 0) {
      this.#restored = epoch;
      return true;
    }
    const reply = await this.#store.append(records);
    if (reply.epoch !== epoch) return false;
    this.#kept.restored(records, epoch);
    for (const [i, { id }] of records.entries()) {
      this.#appends.moved(id, { epoch, seq: reply.seqs[i] ?? 0 });
    }
    return false;
  }

  #bad(problem: string): void {
    this.#context.hooks.badMessage?.(`log "${this.#options.name}"`, problem);
  }

  #end(error: Error): void {
    if (this.#standing.isClosed) return;
    this.#standing.close(error);
    this.#pulse.stop();
    this.#raw?.cancel();
    this.#appends.fail(error);
    this.#context.ended(this);
  }
}

/** An error of ioredis holds the command with all that it was made of: only its words go on. */
function toUnavailable(error: Error): never {
  throw error instanceof BusUnavailableError ? error : refused(error);
}

function refused({ message }: Error): BusUnavailableError {
  return new BusUnavailableError(`Redis refuses the cluster log: ${message}`);
}

function closed(): BusUnavailableError {
  return new BusUnavailableError('The cluster log is closed.');
}
