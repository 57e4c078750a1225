import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BusDriver } from '../bus-driver.js';
import { BusUnavailableError } from '../bus-error.js';
import type { ClusterLog, ClusterLogOptions } from '../cluster-log.js';

/** How the suite gets the servers of a cluster. It closes their drivers. */
export interface ClusterLogSetup {
  /** The first server of a cluster that nobody else uses. */
  create(): Promise<BusDriver>;
  /** Another one of the same cluster; the same driver, where the cluster is one process. */
  join(first: BusDriver): Promise<BusDriver>;
}

/** Short, so that a log without a past is soon trusted; long enough for a busy machine. */
const LEASE_MS = 800;
const WAIT = { timeout: 10_000, interval: 5 };

/** One server's part in a log, and what it was told. */
export class NotedLog {
  readonly entries: string[] = [];
  readonly times: number[] = [];
  readonly events: string[] = [];
  readonly log: ClusterLog;
  /** Runs for each entry, before it is confirmed. */
  onApply: (entry: string) => void | Promise<void> = () => {};

  constructor(driver: BusDriver, options: Partial<ClusterLogOptions> = {}) {
    this.log = driver.openLog({
      name: 'log',
      leaseMs: LEASE_MS,
      retentionMs: 60_000,
      apply: (entry, at) => {
        this.entries.push(entry);
        this.times.push(at);
        return this.onApply(entry);
      },
      lost: () => this.events.push('lost'),
      regained: (isWhole) => this.events.push(isWhole ? 'regained' : 'regained in part'),
      ...options,
    });
  }
}

/** What stands in `ClusterLog`, as tests: run for every driver. */
export function describeClusterLog(name: string, setup: ClusterLogSetup): void {
  describe(`${name}, as the driver of a ClusterLog`, () => {
    const drivers = new Set<BusDriver>();

    afterEach(async () => {
      for (const driver of drivers) await driver.close();
      drivers.clear();
    });

    async function start(): Promise<BusDriver> {
      const driver = await setup.create();
      drivers.add(driver);
      return driver;
    }

    async function join(first: BusDriver): Promise<BusDriver> {
      const driver = await setup.join(first);
      drivers.add(driver);
      return driver;
    }

    async function open(driver: BusDriver, options: Partial<ClusterLogOptions> = {}) {
      const noted = new NotedLog(driver, options);
      await noted.log.ready;
      return noted;
    }

    async function openTwo(options: Partial<ClusterLogOptions> = {}) {
      const first = await start();
      const one = await open(first, options);
      return { first, one, two: await open(await join(first), options) };
    }

    it('is current when it is ready, and not before', async () => {
      const noted = new NotedLog(await start());
      await noted.log.ready;
      expect(noted.log.isCurrent).toBe(true);
      expect(noted.events).toEqual([]);
    });

    it('applies its own entries', async () => {
      const { log, entries, times } = await open(await start());
      const before = Date.now();
      await log.append('a');
      expect(entries).toEqual(['a']);
      expect(Math.abs((times[0] ?? 0) - before)).toBeLessThan(LEASE_MS * 4);
    });

    it('resolves an append when each server has applied the entry', async () => {
      const { one, two } = await openTwo();
      await one.log.append('a');
      expect([one.entries, two.entries]).toEqual([['a'], ['a']]);
      await two.log.append('b');
      expect([one.entries, two.entries]).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
    });

    it('waits for what takes its time to be applied', async () => {
      const { one, two } = await openTwo();
      let finish = () => {};
      two.onApply = () =>
        new Promise((resolve) => {
          finish = resolve;
        });
      let isResolved = false;
      const appended = one.log.append('a').then(() => {
        isResolved = true;
      });
      await vi.waitFor(() => expect(two.entries).toEqual(['a']), WAIT);
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 8));
      expect(isResolved).toBe(false);
      finish();
      await appended;
    });

    it('applies one entry after the other', async () => {
      const { one, two } = await openTwo();
      let running = 0;
      let most = 0;
      two.onApply = async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running -= 1;
      };
      await Promise.all(['a', 'b', 'c', 'd'].map((entry) => one.log.append(entry)));
      expect(most).toBe(1);
      expect(two.entries).toEqual(['a', 'b', 'c', 'd']);
    });

    it('has one order for what many append at once, and each entry once', async () => {
      const { first, one, two } = await openTwo();
      const three = await open(await join(first));
      const all = [one, two, three];
      await Promise.all(
        all.flatMap(({ log }, i) => Array.from({ length: 30 }, (_, n) => log.append(`${i}:${n}`))),
      );
      expect(new Set(one.entries).size).toBe(90);
      for (const { entries } of all) expect(entries).toEqual(one.entries);
      expect(one.entries.filter((it) => it.startsWith('1:'))).toEqual(
        Array.from({ length: 30 }, (_, n) => `1:${n}`),
      );
    });

    it('gives who comes later what is kept, before it is ready', async () => {
      const first = await start();
      const one = await open(first);
      for (const entry of ['a', 'b', 'c']) await one.log.append(entry);
      const two = await open(await join(first));
      expect(two.entries).toEqual(['a', 'b', 'c']);
      expect(two.times).toEqual(one.times);
    });

    it('forgets what is too old', async () => {
      const first = await start();
      const one = await open(first, { retentionMs: LEASE_MS });
      await one.log.append('a');
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 50));
      await one.log.append('b');
      const two = await open(await join(first), { retentionMs: LEASE_MS });
      expect(two.entries).toEqual(['b']);
    });

    it('takes any well-formed text, and equal ones for different entries', async () => {
      const { one, two } = await openTwo();
      const texts = ['', ' ', '1 2 3', 'ä€😀\n\0"', 'same', 'same', 'x'.repeat(100_000)];
      for (const text of texts) await one.log.append(text);
      expect(two.entries).toEqual(texts);
      await expect(one.log.append('\ud800')).rejects.toThrow(TypeError);
      await expect(one.log.append(1 as never)).rejects.toThrow(TypeError);
    });

    it('keeps logs of different names apart', async () => {
      const first = await start();
      const one = await open(first, { name: 'one' });
      const two = await open(await join(first), { name: 'two} %7D' });
      await Promise.all([one.log.append('a'), two.log.append('b')]);
      expect([one.entries, two.entries]).toEqual([['a'], ['b']]);
    });

    it('waits for nobody who has left', async () => {
      const { one, two } = await openTwo();
      await one.log.append('a');
      await two.log.close();
      const startedAt = performance.now();
      await one.log.append('b');
      expect(performance.now() - startedAt).toBeLessThan(LEASE_MS);
      expect([one.entries, two.entries]).toEqual([['a', 'b'], ['a']]);
    });

    it('is not current when it is closed, and takes nothing more', async () => {
      const { one, two } = await openTwo();
      await one.log.close();
      await one.log.close();
      expect(one.log.isCurrent).toBe(false);
      await expect(one.log.append('a')).rejects.toThrow(BusUnavailableError);
      await two.log.append('b');
      expect([one.entries, one.events]).toEqual([[], []]);
    });

    it('rejects what waits when it is closed, or its driver is', async () => {
      const { first, one, two } = await openTwo();
      one.onApply = () => new Promise(() => {});
      const appended = two.log.append('a');
      const waits = expect(appended).rejects.toThrow(BusUnavailableError);
      await vi.waitFor(() => expect(one.entries).toEqual(['a']), WAIT);
      await two.log.close();
      await waits;
      await first.close();
      drivers.delete(first);
      expect(one.log.isCurrent).toBe(false);
    });

    it('rejects ready when it is closed before', async () => {
      const first = await start();
      const one = await open(first);
      await one.log.append('a');
      const two = new NotedLog(await join(first));
      two.onApply = () => new Promise(() => {});
      const { ready } = two.log;
      await vi.waitFor(() => expect(two.entries).toEqual(['a']), WAIT);
      await two.log.close();
      await expect(ready).rejects.toThrow(BusUnavailableError);
    });

    it('takes an entry that can not be applied for one that is lost', async () => {
      const { one, two } = await openTwo();
      two.onApply = (entry) => {
        if (entry === 'bad') throw new TypeError('no entry of mine');
      };
      await one.log.append('bad');
      expect(two.events).toEqual(['lost', 'regained in part']);
      await one.log.append('good');
      expect([two.entries, two.log.isCurrent]).toEqual([['bad', 'good'], true]);
      expect(one.events).toEqual([]);
    });

    it.each([
      [{ name: '' }, /name/],
      [{ leaseMs: 99 }, /leaseMs/],
      [{ leaseMs: Number.NaN }, /leaseMs/],
      [{ leaseMs: 1_000, retentionMs: 999 }, /retentionMs/],
    ])('refuses options that make no sense: %j', async (options, sentence) => {
      const driver = await start();
      expect(() => new NotedLog(driver, options)).toThrow(sentence);
      expect(() => new NotedLog(driver, options)).toThrow(TypeError);
    });
  });
}
