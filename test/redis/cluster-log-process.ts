import { Redis } from 'ioredis';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import { NotedLog } from '../../lib/bus/spec/cluster-log.contract.js';
import { connectDriver } from './driver.js';

export interface LogConfig {
  readonly name: string;
  readonly leaseMs: number;
  readonly publishUrl: string;
  readonly subscribeUrl: string;
  /** Between two probes of the connections, in ms. */
  readonly probeIntervalMs: number;
}

/** What a process is told; each is answered when it is done. */
export type LogOrder =
  | { readonly do: 'open'; readonly config: LogConfig }
  | { readonly do: 'append'; readonly entries: readonly string[]; readonly jitterMs: number }
  | { readonly do: 'report' }
  | { readonly do: 'close' };

/** How an append ended, and when, by the clock that all processes of the machine share; in ms. */
export interface Appended {
  readonly entry: string;
  readonly error: string | undefined;
  readonly beganAt: number;
  readonly endedAt: number;
}

export interface LogReport {
  readonly entries: readonly string[];
  readonly events: readonly string[];
  readonly isCurrent: boolean;
  /** When it was last current with so many entries applied, by the shared clock. */
  readonly lastCurrentAt: readonly (number | null)[];
  readonly appended: readonly Appended[];
}

export interface LogAnswer {
  readonly id: number;
  readonly report?: LogReport | undefined;
}

const QUICK = { probeTimeoutMs: 300, publishTimeoutMs: 500, reconnectDelayMs: 100 };

export function run(): void {
  const server = new LogProcess();
  process.on('message', async ({ id, ...order }: LogOrder & { readonly id: number }) => {
    const report = await server.carryOut(order);
    process.send?.({ id, report } satisfies LogAnswer);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ id: 0 } satisfies LogAnswer);
}

class LogProcess {
  #driver: RedisDriver | undefined;
  #noted: NotedLog | undefined;
  #lastCurrentAt: number[] = [];
  #appended: Appended[] = [];
  #watch: ReturnType<typeof setInterval> | undefined;

  async carryOut(order: LogOrder): Promise<LogReport | undefined> {
    if (order.do === 'open') await this.#open(order.config);
    if (order.do === 'append') await this.#appendAll(order.entries, order.jitterMs);
    if (order.do === 'report') return this.#report();
    if (order.do === 'close') await this.#close();
    return undefined;
  }

  async #open({ name, leaseMs, publishUrl, subscribeUrl, probeIntervalMs }: LogConfig) {
    const urls = { publish: publishUrl, subscribe: subscribeUrl };
    this.#driver = await connectDriver((role) => new Redis(urls[role]), {
      ...QUICK,
      probeIntervalMs,
    });
    this.#lastCurrentAt = [];
    this.#appended = [];
    this.#noted = new NotedLog(this.#driver, { name, leaseMs });
    this.#watch = setInterval(() => this.#look(), 1);
    await this.#noted.log.ready;
  }

  /** What a server does that writes: it asks whether it may, and does. */
  #look(): void {
    if (this.#noted === undefined) return;
    const at = sharedNow();
    if (this.#noted.log.isCurrent) this.#lastCurrentAt[this.#noted.entries.length] = at;
  }

  async #appendAll(entries: readonly string[], jitterMs: number): Promise<void> {
    await Promise.all(
      entries.map(async (entry) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * jitterMs));
        await this.#append(entry);
      }),
    );
  }

  async #append(entry: string): Promise<void> {
    const beganAt = sharedNow();
    const error = await this.#noted?.log.append(entry).then(
      () => undefined,
      (reason: Error) => reason.name,
    );
    this.#appended.push({ entry, error, beganAt, endedAt: sharedNow() });
  }

  #report(): LogReport {
    const { entries = [], events = [], log } = this.#noted ?? {};
    return {
      entries,
      events,
      isCurrent: log?.isCurrent ?? false,
      lastCurrentAt: Array.from(this.#lastCurrentAt, (at) => at ?? null),
      appended: this.#appended,
    };
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#driver?.close();
    this.#driver = undefined;
    this.#noted = undefined;
  }
}

function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
