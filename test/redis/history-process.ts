import { Redis } from 'ioredis';
import { defineChannel } from '../../lib/bus/define-channel.js';
import { MessageBus } from '../../lib/bus/message-bus.js';
import { connectDriver } from './driver.js';

/** What a process of the ledger is told. */
export type HistoryOrder =
  | { readonly do: 'connect'; readonly url: string; readonly name: string }
  | { readonly do: 'publish'; readonly messages: number; readonly everyMs: number }
  | { readonly do: 'report' };

/** What it has in its books. */
export interface HistoryReport {
  /** The numbers of its own messages that were confirmed. */
  readonly confirmed: readonly number[];
  /** What arrived at each of its readers, as `name:number`, and `gap`. */
  readonly readers: readonly (readonly string[])[];
}

const LEDGER = defineChannel<string>('ledger', { history: { size: 100_000, ttlMs: 600_000 } });
const BURST = 10;

export async function run(): Promise<void> {
  const ledger = new LedgerProcess();
  process.on('message', async (order: HistoryOrder) => {
    process.send?.({ done: order.do, report: await ledger.carryOut(order) });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ done: 'start' });
}

class LedgerProcess {
  readonly #confirmed: number[] = [];
  readonly #readers: string[][] = [];
  #bus: MessageBus | undefined;
  #name = '';
  #number = 0;

  async carryOut(order: HistoryOrder): Promise<HistoryReport | undefined> {
    if (order.do === 'connect') await this.#connect(order.url, order.name);
    if (order.do === 'publish') await this.#publish(order.messages, order.everyMs);
    if (order.do === 'report') return { confirmed: this.#confirmed, readers: this.#readers };
    return undefined;
  }

  async #connect(url: string, name: string): Promise<void> {
    const quick = { probeIntervalMs: 50, probeTimeoutMs: 300, publishTimeoutMs: 400 };
    const make = () => new Redis(url);
    const driver = await connectDriver(make, { ...quick, reconnectDelayMs: 100 });
    this.#bus = new MessageBus({ driver });
    this.#name = name;
    // One that keeps up, and one that is often behind and reads again.
    await Promise.all([this.#read(this.#bus, 4_096), this.#read(this.#bus, 16)]);
  }

  async #read(bus: MessageBus, capacity: number): Promise<void> {
    const entries: string[] = [];
    this.#readers.push(entries);
    const subscription = bus.subscribe(LEDGER, { capacity, onGap: () => entries.push('gap') });
    await subscription.ready;
    void (async () => {
      for await (const message of subscription) entries.push(message);
    })();
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
      await this.#bus?.publish(LEDGER, `${this.#name}:${number}`);
      this.#confirmed.push(number);
    } catch {
      // It may have been kept all the same.
    }
  }
}
