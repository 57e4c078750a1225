import { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { AuthOptions } from '../../lib/index.js';
import { RedisServerProcess } from '../redis/redis-server.js';
import { TcpProxy } from '../redis/tcp-proxy.js';
import type { RaceConfig } from './race-app.js';
import { RaceServer } from './race-server.js';
import { Racer } from './racer.js';
import { GRANTS, pause } from './token.js';
import type { LateItem } from './wire-notes.js';

/** How often each race is run. */
export const TIMES = 100;

/** How long it may take to start servers, or to stop them. */
export const SETUP_MS = 60_000;

const ENTRIES = 'nestjs-streaming:log:{revocations}:entries';
const MOST_TOLD = 10;
const SHORTEST_LEASE_MS = 1_000;

/** What a race came to. */
export interface RaceResult {
  /** Revocations that resolved. */
  readonly resolved: number;
  /** Items that were written before. */
  readonly items: number;
  /** Calls of which at least one was. */
  readonly calls: number;
  /** How calls ended, and how often. */
  readonly ends: Readonly<Record<string, number>>;
}

export interface RaceOptions {
  readonly title: string;
  /** How many users race at the same time. */
  readonly atOnce: number;
  run(racer: Racer, n: number): Promise<void>;
}

/** Three servers in three processes, and one Redis. */
export class RaceRoom {
  readonly redis: RedisServerProcess;
  readonly grants: Redis;
  readonly servers: RaceServer[];
  readonly #proxies: TcpProxy[] = [];
  #races = 0;

  private constructor(redis: RedisServerProcess, servers: RaceServer[]) {
    this.redis = redis;
    this.grants = new Redis(redis.url);
    this.servers = servers;
  }

  static async start(): Promise<RaceRoom> {
    const redis = await RedisServerProcess.start();
    const starting = [RaceServer.start(), RaceServer.start(), RaceServer.start()];
    return new RaceRoom(redis, await Promise.all(starting));
  }

  server(index: number): RaceServer {
    return this.servers[index] as RaceServer;
  }

  portOf(index: number): number {
    return this.server(index).port;
  }

  async startProxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(this.redis.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  open(index: number, auth: AuthOptions, config: Partial<RaceConfig> = {}): Promise<void> {
    const { url } = this.redis;
    const places = { publishUrl: url, subscribeUrl: url, grantsUrl: url, probeIntervalMs: 1_000 };
    return this.server(index).open({ auth, ...places, ...config });
  }

  /**
   * Before servers are opened: those that were killed are replaced. On a Redis that is new nobody
   * knows for the time of a lease whether somebody has one: that is a short lease then.
   */
  async enter(): Promise<void> {
    for (const [i, { isRunning }] of this.servers.entries()) {
      if (!isRunning) this.servers[i] = await RaceServer.start();
    }
    await this.open(0, { leaseMs: SHORTEST_LEASE_MS });
    await this.server(0).revoke('nobody', 'user', 0);
    await this.server(0).close();
  }

  async openAll(auth: AuthOptions): Promise<void> {
    await Promise.all(this.servers.map((_, i) => this.open(i, auth)));
  }

  /** Waits until so many revocations of the racers stand in the log. */
  async recorded(racers: readonly Racer[], count: number): Promise<void> {
    while ((await this.recordedOf(racers)).length < count) await pause(0);
  }

  /** Those whose revocations stand in the log. */
  async recordedOf(racers: readonly Racer[]): Promise<Racer[]> {
    const entries = (await this.grants.zrange(ENTRIES, `${-2 * TIMES}`, '-1')).join();
    return racers.filter(({ user }) => entries.includes(`"${user}"`));
  }

  /** Those connections of the servers that hear of changes: what is published meanwhile is lost. */
  async breakSubscriptions(): Promise<void> {
    await this.grants.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  }

  /** After each test. */
  async leave(): Promise<void> {
    for (const server of this.servers) server.thaw();
    for (const proxy of this.#proxies) proxy.release();
    await Promise.all(this.servers.filter((it) => it.isRunning).map((it) => it.close()));
    for (const proxy of this.#proxies.splice(0)) await proxy.stop();
  }

  async stop(): Promise<void> {
    for (const server of this.servers) await server.kill();
    this.grants.disconnect();
    await this.redis.stop();
  }

  /** Users who may sign in. */
  async racers(count: number): Promise<Racer[]> {
    this.#races += 1;
    const racers = Array.from({ length: count }, (_, n) => new Racer(this, `r${this.#races}u${n}`));
    await this.grants.hset(GRANTS, Object.fromEntries(racers.map(({ user }) => [user, 1])));
    return racers;
  }

  /** Runs a race for each of so many users, and judges it. */
  async race({ title, atOnce, run }: RaceOptions): Promise<RaceResult> {
    const racers = await this.racers(TIMES);
    const waiting = [...racers.entries()];
    const runs = Array.from({ length: atOnce }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [n, racer] = next;
        await run(racer, n);
        // Nobody needs to wait for all the others as long.
        if (!(await racer.hasEnded())) waiting.length = 0;
      }
    });
    await Promise.all(runs);
    return this.judge(title, racers);
  }

  /**
   * Asks each server what it wrote of the racers' calls after their revocations had resolved.
   *
   * @param underWay how many messages may have been on their way to a socket when servers were stopped
   * @throws AssertionError that names the race and such items, with their delays
   */
  async judge(title: string, racers: readonly Racer[], underWay = 0): Promise<RaceResult> {
    const ends = (await Promise.all(racers.map((racer) => racer.ends()))).flat();
    await Promise.all(racers.map((racer) => racer.leave()));
    const resolved = racers.filter(({ revocation }) => isResolved(revocation));
    const moments = resolved.flatMap(({ calls, revocation }) =>
      calls.map(({ name }) => [name, revocation?.endedAt ?? 0] as const),
    );
    const running = this.servers.filter((it) => it.isRunning);
    const written = await Promise.all(running.map((it) => it.written(moments)));
    const late = written.flatMap((it) => it.late);
    if (messagesOf(late) > underWay) expect.fail(tellOf(title, late));
    return {
      resolved: resolved.length,
      items: written.reduce((sum, it) => sum + it.items, 0),
      calls: written.reduce((sum, it) => sum + it.calls, 0),
      ends: count(ends),
    };
  }
}

function isResolved(revocation: Racer['revocation']): boolean {
  return revocation !== undefined && revocation.error === undefined;
}

/** What was handed over at one moment on one connection; a racer's calls on a server share one. */
function messagesOf(late: readonly LateItem[]): number {
  const messages = late.map(({ call, delayMs }) => `${call.split('/')[0]} ${delayMs}`);
  return new Set(messages).size;
}

function tellOf(title: string, late: readonly LateItem[]): string {
  const lines = late
    .slice(0, MOST_TOLD)
    .map(({ call, item, delayMs }) => `item ${item} of ${call}, ${delayMs.toFixed(2)} ms later`);
  const first = `${title}: ${late.length} items were written after their revocations had resolved`;
  return [first, ...lines].join('\n');
}

function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
