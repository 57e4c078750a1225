import { randomBytes } from 'node:crypto';
import { LOG_APPEND, LOG_BEAT, LOG_LEAVE } from './redis-cluster-log-scripts.js';
import type { RedisConnections } from './redis-connections.js';
import type { RedisArgument } from './redis-link.js';
import type { RedisScript } from './redis-script.js';

/** An entry as it is kept; `id` is its own, wherever and however often it is recorded. */
export interface LogRecord {
  readonly id: string;
  readonly text: string;
  /** When it was recorded for the first time, in ms since the epoch; `undefined` for now. */
  readonly at: number | undefined;
}

/** A record that the log has; with a time that makes no sense, it is none. */
export interface LogEntry extends LogRecord {
  readonly at: number;
  readonly seq: number;
}

/** What a member says of itself; all of it counts in the epoch that it knows alone. */
export interface Beat {
  readonly epoch: string;
  /** The number of the last entry it has applied. */
  readonly known: number;
  /** The number of the last beat whose entries it has all applied. */
  readonly good: number;
  /** Leases that run from a beat of this number or an older one are over. */
  readonly silent: number;
  /** Leases of the epoch before are over. */
  readonly settles: boolean;
}

export interface BeatReply {
  readonly epoch: string;
  readonly isSettled: boolean;
  /** The number of this beat. */
  readonly beat: number;
  /** The number of the last entry. */
  readonly seq: number;
  /** The number of the last entry that every member has confirmed. */
  readonly lowest: number;
  /** The number of the beat that this member's lease runs from; 0 where it is no member. */
  readonly leasedFrom: number;
  /** The number of the last entry that was too old to be kept. */
  readonly trimmed: number;
  /** The longest lease that anybody has. */
  readonly leaseMs: number;
  readonly now: number;
  /** What comes after `known`, no more than a page of it. */
  readonly entries: readonly LogEntry[];
}

/** As the script tells them. */
type BeatNumbers = [
  settled: number,
  beat: number,
  seq: number,
  lowest: number,
  leasedFrom: number,
  trimmed: number,
  leaseMs: number,
  now: number,
];

export interface AppendReply {
  readonly epoch: string;
  /** The number of the last beat. */
  readonly beat: number;
  readonly leaseMs: number;
  readonly now: number;
  readonly seqs: readonly number[];
}

/** What is published whenever the log changes. */
export interface LogChange {
  readonly epoch: string;
  readonly isSettled: boolean;
  readonly lowest: number;
  readonly seq: number;
}

export interface LogStoreOptions {
  readonly name: string;
  readonly leaseMs: number;
  readonly retentionMs: number;
}

/** How many entries a beat replies with at most. */
export const PAGE = 1_000;

/** One member's view of a log at Redis. All may reject as commands do. */
export class LogStore {
  /** Where changes are published. */
  readonly channel: string;
  readonly #connections: RedisConnections;
  readonly #options: LogStoreOptions;
  readonly #keys: readonly [string, ...string[]];
  readonly #member = randomBytes(8).toString('hex');

  constructor(connections: RedisConnections, options: LogStoreOptions) {
    this.#connections = connections;
    this.#options = options;
    // In braces, so that a cluster keeps all at one server; what would end them is written otherwise.
    const name = options.name.replaceAll('%', '%25').replaceAll('}', '%7D');
    this.channel = `${connections.prefix}log:{${name}}`;
    const keys = ['entries', 'members', 'confirmed'].map((key) => `${this.channel}:${key}`);
    this.#keys = [this.channel, ...keys];
  }

  async beat({ epoch, known, good, silent, settles }: Beat, timeoutMs: number): Promise<BeatReply> {
    const args = [this.#member, epoch, known, good, silent, settles ? 1 : 0, PAGE];
    const reply = await this.#run(LOG_BEAT, args, timeoutMs);
    const [name, numbers, entries] = reply as [Buffer, BeatNumbers, Buffer[]];
    const [settled, beat, seq, lowest, leasedFrom, trimmed, leaseMs, now] = numbers;
    const said = { beat, seq, lowest, leasedFrom, trimmed, leaseMs, now };
    return {
      epoch: String(name),
      isSettled: settled === 1,
      ...said,
      entries: toEntries(entries),
    };
  }

  async append(records: readonly LogRecord[]): Promise<AppendReply> {
    const args = records.flatMap(({ id, text, at }) => [at ?? '', `${id} ${text}`]);
    const reply = await this.#run(LOG_APPEND, args);
    const [epoch, beat, leaseMs, now, seqs] = reply as [Buffer, number, number, number, number[]];
    return { epoch: String(epoch), beat, leaseMs, now, seqs };
  }

  async leave(): Promise<void> {
    await this.#run(LOG_LEAVE, [this.#member]);
  }

  #run(script: RedisScript, args: readonly RedisArgument[], timeoutMs?: number): Promise<unknown> {
    const { leaseMs, retentionMs } = this.#options;
    const nextEpoch = randomBytes(8).toString('hex');
    const all = [this.#connections.publishVerb, nextEpoch, leaseMs, retentionMs, ...args];
    return this.#connections.script(script, this.#keys, all, timeoutMs);
  }
}

/** `undefined` for what is none. */
export function parseChange(payload: Buffer): LogChange | undefined {
  const [epoch = '', settled, lowest, seq] = payload.toString().split(' ');
  const change = { epoch, isSettled: settled === '1', lowest: Number(lowest), seq: Number(seq) };
  return Number.isFinite(change.lowest) && Number.isFinite(change.seq) ? change : undefined;
}

function toEntries(flat: readonly Buffer[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    entries.push({ ...parseRecord(String(flat[i])), seq: Number(flat[i + 1]) });
  }
  return entries;
}

function parseRecord(record: string): LogRecord & { readonly at: number } {
  const afterTime = record.indexOf(' ');
  const afterId = record.indexOf(' ', afterTime + 1);
  if (afterTime < 1 || afterId < 0) return { id: record, text: '', at: Number.NaN };
  return {
    at: Number(record.slice(0, afterTime)),
    id: record.slice(afterTime + 1, afterId),
    text: record.slice(afterId + 1),
  };
}
