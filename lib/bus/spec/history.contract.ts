import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BusDriver } from '../bus-driver.js';
import type { BusHooks } from '../bus-hooks.js';
import { type Channel, defineChannel } from '../define-channel.js';
import { MessageBus } from '../message-bus.js';
import type { ChannelSubscribeOptions } from '../subscription.js';

/** How the suite gets the drivers it tests. It closes each of them. */
export interface HistorySetup {
  readonly clustered: boolean;
  /** A driver of its own; where it is clustered, each one is another server of one cluster. */
  create(): Promise<BusDriver>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
let names = 0;

/** A channel that no other test uses. */
function createChannel(size: number, ttlMs = DAY_MS): Channel<number> {
  names += 1;
  return defineChannel<number>(`kept ${names}`, { history: { size, ttlMs } });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Reads in the background what is subscribed to, and notes gaps among it by their reasons. */
function follow(
  bus: MessageBus,
  channel: Channel<number>,
  options: ChannelSubscribeOptions & { readonly pauseMs?: number } = {},
) {
  const { pauseMs, ...rest } = options;
  const seen: (number | string)[] = [];
  const onGap = ({ reason }: { reason: string }) => seen.push(reason);
  const subscription = bus.subscribe(channel, { onGap, ...rest });
  const ended = (async () => {
    for await (const message of subscription) {
      seen.push(message);
      if (pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  ended.catch(() => {});
  const until = (...expected: (number | string)[]) =>
    vi.waitFor(() => expect(seen).toEqual(expected), { timeout: 5000, interval: 2 });
  return { subscription, seen, until, ended };
}

/** What `HistoryDriver` promises, seen through a bus: run for every driver. */
export function describeHistory(name: string, setup: HistorySetup): void {
  describe(`${name}, keeping messages`, () => {
    const buses: MessageBus[] = [];

    async function createBus(hooks: BusHooks = {}): Promise<MessageBus> {
      const bus = new MessageBus({ driver: await setup.create(), hooks });
      buses.push(bus);
      return bus;
    }

    /** The bus of another server, where there are others. */
    async function createOther(bus: MessageBus): Promise<MessageBus> {
      return setup.clustered ? createBus() : bus;
    }

    afterEach(async () => {
      for (const bus of buses.splice(0)) {
        await bus.close();
        expect(bus.subscriberCount()).toBe(0);
      }
    });

    async function publishAll(bus: MessageBus, channel: Channel<number>, messages: number[]) {
      await Promise.all(messages.map((message) => bus.publish(channel, message)));
    }

    it('gives those who come late what is kept, from the start, and then what follows', async () => {
      const bus = await createBus();
      const channel = createChannel(100);
      await publishAll(bus, channel, range(1, 10));
      const { subscription, until } = follow(await createOther(bus), channel, { since: 'start' });
      await subscription.ready;
      await publishAll(bus, channel, range(11, 20));
      await until(...range(1, 20));
    });

    it('gives only what follows without since', async () => {
      const bus = await createBus();
      const channel = createChannel(100);
      await publishAll(bus, channel, range(1, 10));
      const { subscription, until } = follow(await createOther(bus), channel);
      await subscription.ready;
      await publishAll(bus, channel, range(11, 20));
      await until(...range(11, 20));
    });

    it('gives nothing from the start of a channel where nothing was published, until something is', async () => {
      const bus = await createBus();
      const channel = createChannel(100);
      const { subscription, until } = follow(bus, channel, { since: 'start' });
      await subscription.ready;
      await publishAll(bus, channel, [1]);
      await until(1);
    });

    it('goes on behind a position, elsewhere too, as if there had been no break', async () => {
      const bus = await createBus();
      const channel = createChannel(1000);
      const first = follow(bus, channel);
      await first.subscription.ready;
      await publishAll(bus, channel, range(1, 10));
      await first.until(...range(1, 10));
      first.subscription.cancel();
      await publishAll(bus, channel, range(11, 700));
      const since = first.subscription.position;
      const second = follow(await createOther(bus), channel, { since });
      await second.until(...range(11, 700));
    });

    it('knows the position of the message that was read last, not of those that wait', async () => {
      const bus = await createBus();
      const channel = createChannel(100);
      const subscription = bus.subscribe(channel);
      await subscription.ready;
      const positions = [subscription.position];
      await publishAll(bus, channel, range(1, 3));
      for (let n = 1; n <= 3; n += 1) {
        expect((await subscription.next()).value).toBe(n);
        positions.push(subscription.position);
      }
      expect(new Set(positions).size).toBe(4);
      for (const [n, since] of positions.entries()) {
        const again = follow(bus, channel, { since });
        await again.until(...range(n + 1, 3));
      }
    });

    it('takes up at its position a subscription that has read nothing yet', async () => {
      const bus = await createBus();
      const channel = createChannel(100);
      await publishAll(bus, channel, [1]);
      const first = bus.subscribe(channel);
      await first.ready;
      await vi.waitFor(() => expect(first.position).toBeDefined(), { interval: 1 });
      first.cancel();
      await publishAll(bus, channel, [2, 3]);
      await follow(bus, channel, { since: first.position }).until(2, 3);
    });

    it('keeps the newest messages, and tells of those a position lacks that were let go', async () => {
      const bus = await createBus();
      const channel = createChannel(10);
      const first = follow(bus, channel);
      await first.subscription.ready;
      await publishAll(bus, channel, [1]);
      await first.until(1);
      const since = first.subscription.position;
      await publishAll(bus, channel, range(2, 100));
      await first.until(...range(1, 100));
      await follow(bus, channel, { since: 'start' }).until(...range(91, 100));
      await follow(bus, channel, { since }).until('trimmed', ...range(91, 100));
    });

    it('tells of no gap where the next message after a position is the oldest one kept', async () => {
      const bus = await createBus();
      const channel = createChannel(10);
      const first = follow(bus, channel);
      await first.subscription.ready;
      await publishAll(bus, channel, [1]);
      await first.until(1);
      const since = first.subscription.position;
      await publishAll(bus, channel, range(2, 11));
      await follow(bus, channel, { since }).until(...range(2, 11));
    });

    it('lets go of what is too old, and tells of it', async () => {
      const bus = await createBus();
      const channel = createChannel(100, 200);
      const first = follow(bus, channel);
      await first.subscription.ready;
      await publishAll(bus, channel, [1]);
      await first.until(1);
      const since = first.subscription.position;
      await publishAll(bus, channel, [2]);
      await new Promise((resolve) => setTimeout(resolve, 250));
      await follow(bus, channel, { since }).until('trimmed');
      await publishAll(bus, channel, [3]);
      await follow(bus, channel, { since: 'start' }).until(3);
      await follow(bus, channel, { since }).until('trimmed', 3);
      await first.until(1, 2, 3);
    });

    it('takes a silence longer than messages are kept for no gap', async () => {
      const bus = await createBus();
      const channel = createChannel(100, 100);
      const first = follow(bus, channel);
      await first.subscription.ready;
      await publishAll(bus, channel, [1]);
      await first.until(1);
      const since = first.subscription.position;
      await new Promise((resolve) => setTimeout(resolve, 150));
      const second = follow(await createOther(bus), channel, { since });
      await second.subscription.ready;
      await publishAll(bus, channel, [2]);
      await first.until(1, 2);
      await second.until(2);
    });

    it('gives what is no older than asked for, and tells when that is not all kept', async () => {
      const bus = await createBus();
      const channel = createChannel(3);
      await publishAll(bus, channel, [1, 2]);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await publishAll(bus, channel, [3]);
      await follow(bus, channel, { since: { agoMs: 900 } }).until(3);
      await follow(bus, channel, { since: { agoMs: DAY_MS } }).until(1, 2, 3);
      await publishAll(bus, channel, [4]);
      await follow(bus, channel, { since: { agoMs: 900 } }).until(3, 4);
      await follow(bus, channel, { since: { agoMs: DAY_MS } }).until('trimmed', 2, 3, 4);
    });

    it.each(['nonsense', '1.x', '999999999999999-0.x', '-', '+', '\u0000'])(
      'takes the position %j, which the channel never had, for one of a history that is gone',
      async (since) => {
        const bus = await createBus();
        const channel = createChannel(100);
        await publishAll(bus, channel, [1]);
        const { seen } = follow(bus, channel, { since });
        await vi.waitFor(() => expect(seen[0]).toBe('reset'), { interval: 2 });
        await publishAll(bus, channel, [2]);
        await vi.waitFor(() => expect(seen.at(-1)).toBe(2), { interval: 2 });
        expect(seen.filter((it) => typeof it === 'string')).toEqual(['reset']);
      },
    );

    it('lets a slow reader read again what it had no room for', async () => {
      const dropped = vi.fn();
      const bus = await createBus({ dropped });
      const channel = createChannel(5000);
      const slow = bus.subscribe(channel, { capacity: 4 });
      const quick = follow(bus, channel);
      await Promise.all([slow.ready, quick.subscription.ready]);
      await publishAll(bus, channel, range(1, 1000));
      await quick.until(...range(1, 1000));
      for (let n = 1; n <= 500; n += 1) expect((await slow.next()).value).toBe(n);
      await publishAll(bus, channel, range(1001, 1010));
      for (let n = 501; n <= 1010; n += 1) expect((await slow.next()).value).toBe(n);
      expect([slow.dropped, dropped.mock.calls.length]).toEqual([0, 0]);
    });

    it('tells a reader who was too slow even for the history', async () => {
      const bus = await createBus();
      const channel = createChannel(10);
      const seen: unknown[] = [];
      const onGap = ({ reason }: { reason: string }) => seen.push(reason);
      const slow = bus.subscribe(channel, { capacity: 4, onGap });
      await slow.ready;
      await publishAll(bus, channel, range(1, 100));
      while (seen.at(-1) !== 100) seen.push((await slow.next()).value);
      // What it had room for, and what it may have taken before the rest came.
      const before = seen.indexOf('trimmed');
      expect(before).toBeGreaterThanOrEqual(4);
      expect(seen).toEqual([...range(1, before), 'trimmed', ...range(91, 100)]);
    });

    it.each(['error', 'latest', 'dropOldest'] as const)(
      'lets overflow %s cost nothing of what is read from the history',
      async (overflow) => {
        const bus = await createBus();
        const channel = createChannel(1000);
        await publishAll(bus, channel, range(1, 50));
        const slow = bus.subscribe(channel, { overflow, capacity: 4, since: 'start' });
        await slow.ready;
        for (let n = 1; n <= 50; n += 1) {
          expect((await slow.next()).value).toBe(n);
          await new Promise(setImmediate);
        }
        expect(slow.dropped).toBe(0);
      },
    );

    it('follows a declared overflow in what comes', async () => {
      const bus = await createBus();
      const channel = createChannel(1000);
      await publishAll(bus, channel, range(1, 50));
      const seen: unknown[] = [];
      const onGap = ({ reason }: { reason: string }) => seen.push(reason);
      const latest = bus.subscribe(channel, { overflow: 'latest', onGap });
      const other = follow(bus, channel);
      await Promise.all([latest.ready, other.subscription.ready]);
      await publishAll(bus, channel, range(51, 60));
      await other.until(...range(51, 60));
      seen.push((await latest.next()).value);
      expect(seen).toEqual(['overflow', 60]);
      expect(latest.dropped).toBe(9);
    });

    it('gives everything once and in order to those who come while publishing goes on', async () => {
      const bus = await createBus();
      const other = await createOther(bus);
      const channel = createChannel(100_000);
      const followers: ReturnType<typeof follow>[] = [];
      for (let n = 0; n < 40; n += 1) {
        await publishAll(bus, channel, range(n * 100 + 1, n * 100 + 100));
        const capacity = n % 2 === 0 ? 16 : undefined;
        followers.push(follow(other, channel, { since: 'start', capacity }));
      }
      for (const { until } of followers) await until(...range(1, 4000));
    });

    it('keeps the order of a burst in which many publish', async () => {
      const bus = await createBus();
      const channel = createChannel(100_000);
      const { subscription, until } = follow(await createOther(bus), channel);
      await subscription.ready;
      await publishAll(bus, channel, range(1, 3000));
      await until(...range(1, 3000));
    });

    it('gives listeners what they ask for, too', async () => {
      const bus = await createBus();
      const channel = createChannel(10);
      await publishAll(bus, channel, range(1, 20));
      const seen: unknown[] = [];
      const gaps = vi.fn();
      const note = (message: number) => seen.push(message);
      const remove = bus.addListener(channel, note, { since: 'start', onGap: gaps });
      await vi.waitFor(() => expect(seen).toEqual(range(11, 20)), { interval: 2 });
      await publishAll(bus, channel, [21]);
      await vi.waitFor(() => expect(seen).toEqual(range(11, 21)), { interval: 2 });
      bus.addListener(channel, () => {}, { since: 'nonsense', onGap: gaps });
      await vi.waitFor(() => expect(gaps.mock.calls[0]?.[0].reason).toBe('reset'));
      remove();
      await publishAll(bus, channel, [22]);
      expect(seen).toEqual(range(11, 21));
    });

    it('tells the hook of a gap that nobody else hears of', async () => {
      const gap = vi.fn();
      const bus = await createBus({ gap });
      const channel = createChannel(10);
      bus.subscribe(channel, { since: 'nonsense' });
      follow(bus, channel, { since: 'nonsense' });
      await vi.waitFor(() => expect(gap).toHaveBeenCalledTimes(2), { interval: 2 });
      expect(gap.mock.calls.map(([, , untold]) => untold).sort()).toEqual([0, 1]);
      expect(gap.mock.calls[0]?.slice(0, 2)).toEqual([
        channel.name,
        'the history was deleted, or a failover has lost its end',
      ]);
    });

    it('delivers nothing after cancel(), in the middle of reading', async () => {
      const bus = await createBus();
      const channel = createChannel(1000);
      await publishAll(bus, channel, range(1, 1000));
      const subscription = bus.subscribe(channel, { since: 'start', capacity: 10 });
      for (let n = 1; n <= 5; n += 1) expect((await subscription.next()).value).toBe(n);
      subscription.cancel();
      expect(await subscription.next()).toEqual({ done: true, value: undefined });
      const early = bus.subscribe(channel, { since: 'start' });
      early.cancel();
      expect(await early.next()).toEqual({ done: true, value: undefined });
      expect(bus.subscriberCount()).toBe(0);
    });

    it('keeps channels apart, whatever their names', async () => {
      const bus = await createBus();
      const odd = [
        'a',
        'A',
        'a*',
        '{a}',
        '{a}b',
        '}',
        '%7D',
        '{',
        'a:tail',
        ' a',
        '__proto__',
        'ä',
      ];
      const history = { size: 10, ttlMs: DAY_MS };
      const unique = odd.map((it) => defineChannel<string>(`${it}${names}`, { history }));
      for (const channel of unique) await bus.publish(channel, channel.name);
      const other = await createOther(bus);
      for (const channel of unique) {
        const subscription = other.subscribe(channel, { since: 'start' });
        expect((await subscription.next()).value).toBe(channel.name);
        await bus.publish(channel, 'more');
        expect((await subscription.next()).value).toBe('more');
      }
    });

    it('refuses what can not be in one history for all', async () => {
      const bus = await createBus();
      const channel = createChannel(10);
      const [wrong, right] = setup.clustered
        ? (['local', 'global'] as const)
        : (['global', 'local'] as const);
      await expect(bus.publish(channel, 1, { scope: wrong })).rejects.toThrow(TypeError);
      await bus.publish(channel, 2, { scope: right });
      await follow(bus, channel, { since: 'start' }).until(2);
    });
  });
}
