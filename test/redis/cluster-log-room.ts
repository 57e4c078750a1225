import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { ClusterLogMember } from './cluster-log-member.js';
import type { Appended, LogConfig, LogReport } from './cluster-log-process.js';
import { RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

export const LEASE_MS = 1_200;
/** What those who wait for a lease's end add to it. */
export const MARGIN_MS = 100 + LEASE_MS / 100;
export const WAIT = { timeout: 15_000, interval: 10 };

/** Three processes with one log, which is another one in each test, and a Redis of their own. */
export class ClusterLogRoom {
  members: readonly ClusterLogMember[] = [];
  #name = '';
  readonly #proxies: TcpProxy[] = [];

  private constructor(
    readonly redis: RedisServerProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<ClusterLogRoom> {
    const folder = await mkdtemp(join(tmpdir(), 'cluster-log-'));
    return new ClusterLogRoom(await RedisServerProcess.start(['--dir', folder]), folder);
  }

  /** Before each test: processes that were killed are replaced. */
  async enter(): Promise<[ClusterLogMember, ClusterLogMember, ClusterLogMember]> {
    this.#name = randomBytes(4).toString('hex');
    const [one, two, three] = await Promise.all([
      this.#member(0),
      this.#member(1),
      this.#member(2),
    ]);
    this.members = [one, two, three];
    return [one, two, three];
  }

  /** After each test. */
  async leave(): Promise<void> {
    for (const proxy of this.#proxies.splice(0)) await proxy.stop();
    this.redis.thaw();
    for (const member of this.#running()) {
      member.thaw();
      await member.close();
    }
  }

  async stop(): Promise<void> {
    for (const member of this.members) await member.kill();
    await this.redis.stop();
    await rm(this.folder, { recursive: true });
  }

  /** The key of the log's state. */
  get key(): string {
    return `nestjs-streaming:log:{${this.#name}}`;
  }

  async startProxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(this.redis.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  open(member: ClusterLogMember, config: Partial<LogConfig> = {}): Promise<void> {
    const { url } = this.redis;
    const places = { publishUrl: url, subscribeUrl: url, probeIntervalMs: 200 };
    return member.open({ name: this.#name, leaseMs: LEASE_MS, ...places, ...config });
  }

  async openAll(): Promise<void> {
    await Promise.all(this.members.map((member) => this.open(member)));
  }

  /** Through a proxy, which may swallow everything. */
  async openBehindProxy(member: ClusterLogMember): Promise<TcpProxy> {
    const proxy = await this.startProxy();
    await this.open(member, { publishUrl: proxy.url, subscribeUrl: proxy.url });
    return proxy;
  }

  /** From then on the log is trusted: nobody has a lease that it doesn't know of. */
  async settle(): Promise<void> {
    await this.append('first');
  }

  /** Appends until it has worked; nothing else may have been wrong. */
  async append(entry: string): Promise<Appended> {
    const [one] = this.members;
    return vi.waitFor(async () => {
      await one?.append([entry]);
      const last = (await one?.report())?.appended.at(-1);
      expect(last?.error).toBeUndefined();
      return last as Appended;
    }, WAIT);
  }

  reports(): Promise<LogReport[]> {
    return Promise.all(this.#running().map((it) => it.report()));
  }

  /** Redis has so many entries. */
  async recorded(entries: number): Promise<void> {
    await vi.waitFor(async () => {
      expect(await this.redis.command('ZCARD', `${this.key}:entries`)).toBe(`:${entries}`);
    }, WAIT);
  }

  async restartRedis(): Promise<void> {
    await this.redis.kill();
    await this.redis.restart();
  }

  /** What the log promises: where an append has resolved, nobody is current who knows nothing of it. */
  async checkPromise(): Promise<Appended[]> {
    const all = await this.reports();
    const appended = all.flatMap((it) => it.appended);
    const broken = appended
      .filter(({ error }) => error === undefined)
      .filter(({ entry, endedAt }) => all.some((it) => lastCurrentWithout(entry, it) > endedAt));
    expect(broken).toEqual([]);
    return appended;
  }

  async #member(index: number): Promise<ClusterLogMember> {
    const member = this.members[index];
    return member?.isRunning ? member : ClusterLogMember.start();
  }

  #running(): ClusterLogMember[] {
    return this.members.filter(({ isRunning }) => isRunning);
  }
}

/** It has applied these after the first one. */
export async function arrived(member: ClusterLogMember, ...entries: string[]): Promise<void> {
  await vi.waitFor(
    async () => expect((await member.report()).entries).toEqual(['first', ...entries]),
    WAIT,
  );
}

export async function until(member: ClusterLogMember, isCurrent: boolean): Promise<void> {
  await vi.waitFor(async () => expect((await member.report()).isCurrent).toBe(isCurrent), WAIT);
}

/**
 * While a server was cut off, an append waited for its lease: that was held for a while, so that an
 * answer at once would have been a false one.
 */
export async function checkWaited(
  cutOff: ClusterLogMember,
  cutAt: number,
  { entry, endedAt }: Appended,
): Promise<void> {
  const lastAt = lastCurrentWithout(entry, await cutOff.report());
  expect(lastAt - cutAt).toBeGreaterThan(LEASE_MS / 4);
  expect(endedAt).toBeGreaterThan(lastAt);
}

export function appendOf(
  entry: string,
  all: readonly Appended[],
): Appended & { readonly tookMs: number } {
  const found = all.find((it) => it.entry === entry);
  if (found === undefined) throw new Error(`nobody has appended ${entry}`);
  return { ...found, tookMs: found.endedAt - found.beganAt };
}

/** By the clock that all processes of the machine share; in ms. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** When a server was last current without this entry. */
function lastCurrentWithout(entry: string, { entries, lastCurrentAt }: LogReport): number {
  const place = entries.indexOf(entry);
  const before = place < 0 ? lastCurrentAt : lastCurrentAt.slice(0, place + 1);
  return Math.max(...before.map((at) => at ?? 0));
}
