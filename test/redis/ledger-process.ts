import { Redis } from 'ioredis';
import { connectDriver } from './driver.js';
import { Recorder } from './recorder.js';

/** What a process of the ledger is told. */
export type LedgerOrder =
  | {
      readonly do: 'connect';
      readonly url: string;
      readonly name: string;
      /** Whether by the bus's driver, or by ioredis alone, as it is by default. */
      readonly by: 'driver' | 'ioredis';
    }
  | { readonly do: 'publish'; readonly messages: number; readonly everyMs: number }
  | { readonly do: 'report' };

/** What it says: that an order was carried out, or what it has in its books. */
export interface LedgerReport {
  /** The numbers of its own messages that were confirmed, and of those that were not. */
  readonly confirmed: readonly number[];
  readonly rejected: readonly number[];
  /** What arrived here, as `name:number`, and `gap`. */
  readonly entries: readonly string[];
}

const CHANNEL = 'ledger';
const BURST = 10;

export async function run(): Promise<void> {
  const ledger = new LedgerProcess();
  process.on('message', async (order: LedgerOrder) => {
    process.send?.({ done: order.do, report: await ledger.carryOut(order) });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ done: 'start' });
}

class LedgerProcess {
  readonly #recorder = new Recorder();
  readonly #confirmed: number[] = [];
  readonly #rejected: number[] = [];
  #send: ((message: string) => Promise<unknown>) | undefined;
  #name = '';
  #number = 0;

  async carryOut(order: LedgerOrder): Promise<LedgerReport | undefined> {
    if (order.do === 'connect') {
      this.#name = order.name;
      await (order.by === 'driver' ? this.#connect(order.url) : this.#connectPlain(order.url));
    }
    if (order.do === 'publish') await this.#publish(order.messages, order.everyMs);
    if (order.do === 'report') return this.#report();
    return undefined;
  }

  async #connect(url: string): Promise<void> {
    const quick = { probeIntervalMs: 50, probeTimeoutMs: 300, publishTimeoutMs: 400 };
    const driver = await connectDriver(() => new Redis(url), { ...quick, reconnectDelayMs: 100 });
    await driver.subscribe(CHANNEL, this.#recorder).ready;
    this.#send = (message) => driver.publish(CHANNEL, message, 'global');
  }

  async #connectPlain(url: string): Promise<void> {
    const [publisher, subscriber] = [new Redis(url), new Redis(url)];
    for (const redis of [publisher, subscriber]) redis.on('error', () => {});
    subscriber.on('message', (_, message) => this.#recorder.message(message));
    await subscriber.subscribe(CHANNEL);
    this.#send = (message) => publisher.publish(CHANNEL, message);
  }

  /** In bursts, with a pause between them; a message that was refused is not published again. */
  async #publish(messages: number, everyMs: number): Promise<void> {
    const all: Promise<void>[] = [];
    for (let i = 0; i < messages; i += 1) {
      all.push(this.#publishOne(this.#number++));
      if (i % BURST === BURST - 1) await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    await Promise.all(all);
  }

  async #publishOne(number: number): Promise<void> {
    try {
      await this.#send?.(`${this.#name}:${number}`);
      this.#confirmed.push(number);
    } catch {
      this.#rejected.push(number);
    }
  }

  #report(): LedgerReport {
    const entries = this.#recorder.entries.map(String);
    return { confirmed: this.#confirmed, rejected: this.#rejected, entries };
  }
}
