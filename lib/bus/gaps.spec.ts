import { describe, expect, it, vi } from 'vitest';
import type { BusHooks } from './bus-hooks.js';
import type { Gap } from './gap.js';
import { MessageBus } from './message-bus.js';
import { Relay, RelayDriver } from './spec/relay-driver.js';
import type { SubscribeOptions } from './subscription.js';

/** A bus whose messages stay in the process and whose gaps are made by hand. */
function createBus() {
  const hooks = { gap: vi.fn(), dropped: vi.fn(), listenerFailed: vi.fn() } satisfies BusHooks;
  const driver = new RelayDriver(new Relay());
  const bus = new MessageBus({ driver, hooks });
  const publish = (...messages: unknown[]) => {
    for (const message of messages) void bus.publish('a', message, { scope: 'local' });
  };
  /** Notes messages and gaps in the order in which the reader meets them. */
  const subscribe = (options: SubscribeOptions = {}) => {
    const seen: unknown[] = [];
    const onGap = (gap: Gap) => seen.push(gap.missed ?? gap.reason);
    const subscription = bus.subscribe('a', { onGap, ...options });
    const take = async (count = 1) => {
      for (let i = 0; i < count; i += 1) seen.push((await subscription.next()).value);
    };
    return { subscription, seen, take };
  };
  return { bus, driver, hooks, publish, subscribe };
}

describe('A gap', () => {
  it('is told between the messages it lies between, when the reader gets there', async () => {
    const { driver, publish, subscribe } = createBus();
    const { seen, take } = subscribe();
    publish(1, 2);
    driver.gap('a', 'reconnected');
    publish(3);
    await take(2);
    expect(seen).toEqual([1, 2]);
    await take();
    expect(seen).toEqual([1, 2, 'connection', 3]);
  });

  it('is told at once to a reader that waits', async () => {
    const { driver, publish, subscribe } = createBus();
    const { seen, take } = subscribe();
    const taking = take();
    driver.gap('a', 'reconnected');
    expect(seen).toEqual(['connection']);
    publish(1);
    await taking;
    expect(seen).toEqual(['connection', 1]);
  });

  it('waits until a reader is done with the last message', async () => {
    const { driver, publish, subscribe } = createBus();
    const { seen, take } = subscribe();
    publish(1);
    await take();
    driver.gap('a', 'reconnected');
    expect(seen).toEqual([1]);
    const taking = take();
    expect(seen).toEqual([1, 'connection']);
    publish(2);
    await taking;
    expect(seen).toEqual([1, 'connection', 2]);
  });

  it('comes before the error of a message of another type that follows it', async () => {
    const { driver, publish, subscribe } = createBus();
    const { subscription, seen } = subscribe({ type: () => Number });
    publish('x');
    driver.gap('a', 'reconnected');
    publish('y');
    await expect(subscription.next()).rejects.toThrow('is string');
    expect(seen).toEqual([]);
    await expect(subscription.next()).rejects.toThrow('is string');
    expect(seen).toEqual(['connection']);
  });

  it('is told once where two lie at one place', async () => {
    const { driver, publish, subscribe } = createBus();
    const { seen, take } = subscribe();
    publish(1);
    driver.gap('a', 'reconnected');
    driver.gap('a', 'reconnected again');
    publish(2);
    await take(2);
    expect(seen).toEqual([1, 'connection', 2]);
  });

  it('tells what happened in words, and says so to the hook', () => {
    const { bus, driver, hooks } = createBus();
    const onGap = vi.fn();
    bus.addListener('a', () => {}, { onGap });
    driver.gap('a', 'the server went away');
    expect(onGap.mock.calls).toEqual([[{ reason: 'connection', detail: 'the server went away' }]]);
    expect(hooks.gap.mock.calls).toEqual([['a', 'the server went away', 0]]);
  });

  it('is told to a listener between two calls, and not when it is removed', () => {
    const { bus, driver, publish } = createBus();
    const seen: unknown[] = [];
    const remove = bus.addListener('a', (message) => seen.push(message), {
      onGap: ({ reason }) => seen.push(reason),
    });
    publish(1);
    driver.gap('a', 'reconnected');
    publish(2);
    remove();
    driver.gap('a', 'reconnected');
    expect(seen).toEqual([1, 'connection', 2]);
  });

  it('is told by the hook alone where nobody asked for it', async () => {
    const { bus, driver, hooks, publish } = createBus();
    const subscription = bus.subscribe('a');
    driver.gap('a', 'reconnected');
    publish(1);
    expect((await subscription.next()).value).toBe(1);
    expect(hooks.gap.mock.calls).toEqual([['a', 'reconnected', 1]]);
  });

  it('costs nothing when onGap throws or rejects: the hook is told', async () => {
    const { bus, driver, hooks, publish } = createBus();
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')];
    const onGap = () => {
      throw thrown;
    };
    const subscription = bus.subscribe('a', { onGap });
    bus.addListener('a', () => {}, { onGap: () => Promise.reject(rejected) });
    driver.gap('a', 'reconnected');
    publish(1);
    expect((await subscription.next()).value).toBe(1);
    expect(hooks.listenerFailed.mock.calls).toEqual(
      expect.arrayContaining([
        ['a', thrown],
        ['a', rejected],
      ]),
    );
  });

  it('may end the subscription that hears of it', async () => {
    const { bus, driver, publish } = createBus();
    const subscription = bus.subscribe('a', { onGap: () => subscription.cancel() });
    publish(1);
    driver.gap('a', 'reconnected');
    publish(2);
    expect(await subscription.next()).toEqual({ done: false, value: 1 });
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    expect(bus.subscriberCount()).toBe(0);
  });

  it('is not told to those who come while it is told', () => {
    const { bus, driver } = createBus();
    const late = vi.fn();
    const onGap = vi.fn(() => void bus.addListener('a', () => {}, { onGap: late }));
    bus.addListener('a', () => {}, { onGap });
    driver.gap('a', 'reconnected');
    expect([onGap.mock.calls.length, late.mock.calls.length]).toEqual([1, 0]);
  });
});

describe('What an overflow lets go', () => {
  const cases = [
    { overflow: 'dropOldest', missed: 3, left: [4, 5, 6] },
    { overflow: 'latest', missed: 5, left: [6] },
  ] as const;

  it.each(cases)('with $overflow is a gap before what is read next', async (row) => {
    const { publish, subscribe, hooks } = createBus();
    const { seen, take } = subscribe({ overflow: row.overflow, capacity: 3 });
    publish(1, 2, 3, 4, 5, 6);
    await take(row.left.length);
    expect(seen).toEqual([row.missed, ...row.left]);
    expect(hooks.dropped).toHaveBeenCalledTimes(row.missed);
    expect(hooks.gap).not.toHaveBeenCalled();
  });

  it('with dropNewest is a gap behind what was queued', async () => {
    const { publish, subscribe } = createBus();
    const { seen, take } = subscribe({ overflow: 'dropNewest', capacity: 2 });
    publish(1, 2, 3, 4);
    await take();
    publish(5, 6);
    await take(2);
    const taking = take();
    publish(7);
    await taking;
    expect(seen).toEqual([1, 2, 2, 5, 1, 7]);
  });

  it('with error is no gap: the subscription is over', async () => {
    const { publish, subscribe } = createBus();
    const { subscription, seen, take } = subscribe({ capacity: 1 });
    publish(1, 2);
    await take();
    await expect(subscription.next()).rejects.toMatchObject({ code: 'slow-consumer' });
    expect(seen).toEqual([1]);
  });

  it('keeps other gaps that lay among it, each once, in bounded memory', async () => {
    const { driver, publish, subscribe } = createBus();
    const { seen, take } = subscribe({ overflow: 'dropOldest', capacity: 2 });
    for (let n = 1; n <= 100; n += 1) {
      publish(n);
      driver.gap('a', 'reconnected');
    }
    await take(2);
    expect(seen).toEqual([98, 'connection', 99, 'connection', 100]);
  });
});
