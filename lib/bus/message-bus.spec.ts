import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { BusError } from './bus-error.js';
import type { BusHooks } from './bus-hooks.js';
import { MessageBus } from './message-bus.js';
import { Relay, RelayDriver } from './spec/relay-driver.js';
import type { MessageScope, Subscription } from './subscription.js';

class Pixel {
  constructor(readonly index: number) {}
}

class Stroke {}

function createHooks() {
  return {
    published: vi.fn(),
    delivered: vi.fn(),
    dropped: vi.fn(),
    listenerFailed: vi.fn(),
    gap: vi.fn(),
    channelFailed: vi.fn(),
  } satisfies BusHooks;
}

async function read<T>(subscription: Subscription<T>, count: number): Promise<T[]> {
  const messages: T[] = [];
  while (messages.length < count) {
    const result = await subscription.next();
    if (result.done) break;
    messages.push(result.value);
  }
  return messages;
}

async function publishAll(bus: MessageBus, channel: string, ...messages: unknown[]): Promise<void> {
  for (const message of messages) await bus.publish(channel, message);
}

describe('MessageBus in one process', () => {
  it('publishes without subscribers', async () => {
    const bus = new MessageBus();
    await expect(bus.publish('empty', 1)).resolves.toBeUndefined();
    expect(bus.subscriberCount()).toBe(0);
  });

  it('gives a message to every subscriber of its channel; cancelling one leaves the other', async () => {
    const bus = new MessageBus();
    const [one, two] = [bus.subscribe('a'), bus.subscribe('a')];
    const other = bus.subscribe('b');
    await bus.publish('a', 1);
    expect(await read(one, 1)).toEqual([1]);
    one.cancel();
    await bus.publish('a', 2);
    expect(await read(two, 2)).toEqual([1, 2]);
    expect(await one.next()).toEqual({ done: true, value: undefined });
    expect([bus.subscriberCount('a'), bus.subscriberCount('b')]).toEqual([1, 1]);
    two.cancel();
    other.cancel();
    expect(bus.subscriberCount()).toBe(0);
  });

  it('delivers what is published between subscribe and the first read', async () => {
    const bus = new MessageBus();
    const subscription = bus.subscribe('a');
    void bus.publish('a', 1);
    await subscription.ready;
    void bus.publish('a', 2);
    expect(await read(subscription, 2)).toEqual([1, 2]);
  });

  it('hands the very instance to all', async () => {
    const bus = new MessageBus();
    const subscription = bus.subscribe('a');
    const seen: unknown[] = [];
    bus.addListener('a', (message) => seen.push(message));
    const pixel = new Pixel(1);
    await bus.publish('a', pixel);
    expect(seen[0]).toBe(pixel);
    expect((await subscription.next()).value).toBe(pixel);
  });

  it('has called every listener when publish returns', () => {
    const bus = new MessageBus();
    const seen: unknown[] = [];
    bus.addListener('a', (message) => seen.push(message));
    void bus.publish('a', 1);
    expect(seen).toEqual([1]);
  });

  it.each(['break', 'throw'])('leaves the channel when a loop ends by %s', async (way) => {
    const bus = new MessageBus();
    const subscription = bus.subscribe('a');
    await bus.publish('a', 1);
    const loop = async () => {
      for await (const _ of subscription) {
        if (way === 'break') break;
        throw new Error(way);
      }
    };
    await loop().catch(() => {});
    expect(bus.subscriberCount()).toBe(0);
  });

  it('wakes a waiting loop when it is cancelled', async () => {
    const bus = new MessageBus();
    const subscription = bus.subscribe('a');
    const loop = read(subscription, 1);
    subscription.cancel();
    subscription.cancel();
    expect(await loop).toEqual([]);
  });

  it('keeps the order for every subscriber when a listener publishes', async () => {
    const bus = new MessageBus();
    const orders: unknown[][] = [[], []];
    bus.addListener<number>('a', (n) => {
      if (n === 1) void publishAll(bus, 'a', 2, 3);
      orders[0]?.push(n);
    });
    bus.addListener('a', (n) => orders[1]?.push(n));
    const subscription = bus.subscribe('a');
    await bus.publish('a', 1);
    await bus.publish('a', 4);
    const expected = await read(subscription, 4);
    expect(orders).toEqual([expected, expected]);
    expect([...expected].sort()).toEqual([1, 2, 3, 4]);
  });

  describe('with a type', () => {
    it('gives another type as an error in that loop alone, and goes on', async () => {
      const bus = new MessageBus();
      const typed = bus.subscribe('a', { type: () => Pixel });
      const untyped = bus.subscribe('a');
      await publishAll(bus, 'a', new Pixel(1), new Stroke(), new Pixel(2));
      expect(await read(untyped, 3)).toHaveLength(3);

      const seen: unknown[] = [];
      while (seen.length < 3) {
        try {
          for await (const pixel of typed) if (seen.push(pixel.index) === 3) break;
        } catch (error) {
          seen.push(error);
        }
      }
      const expected = 'A message on channel "a" is Stroke, not Pixel.';
      expect(seen).toEqual([1, new BusError('invalid-argument', expected), 2]);
      expect(seen[1]).toMatchObject({ name: 'BusError', code: 'invalid-argument' });
    });

    it('types the messages', () => {
      const bus = new MessageBus();
      expectTypeOf(bus.subscribe('a', { type: () => Pixel })).toEqualTypeOf<Subscription<Pixel>>();
      expectTypeOf(bus.subscribe('a', { type: Pixel })).toEqualTypeOf<Subscription<Pixel>>();
      expectTypeOf(bus.subscribe('a', { type: () => [Pixel, String] })).toEqualTypeOf<
        Subscription<Pixel | string>
      >();
      expectTypeOf(bus.subscribe('a')).toEqualTypeOf<Subscription<unknown>>();
      expectTypeOf(bus.subscribe<Pixel>('a')).toEqualTypeOf<Subscription<Pixel>>();
      expectTypeOf(bus.subscribe<Pixel>('a', { type: () => Pixel })).toEqualTypeOf<
        Subscription<Pixel>
      >();
      expectTypeOf(bus.subscribe<Pixel>('a', { overflow: 'latest' })).toEqualTypeOf<
        Subscription<Pixel>
      >();
    });
  });

  describe('with a slow subscriber', () => {
    const cases = [
      { overflow: 'error', expected: [1, 2], dropped: 1 },
      { overflow: 'dropOldest', expected: [4, 5], dropped: 3 },
      { overflow: 'dropNewest', expected: [1, 2], dropped: 3 },
      { overflow: 'latest', expected: [5], dropped: 4 },
    ] as const;

    it.each(cases)('follows overflow $overflow and holds back nobody', async (row) => {
      const hooks = createHooks();
      const bus = new MessageBus({ hooks });
      const slow = bus.subscribe('a', { overflow: row.overflow, capacity: 2 });
      const quick: unknown[] = [];
      bus.addListener('a', (message) => quick.push(message));
      await publishAll(bus, 'a', 1, 2, 3, 4, 5);
      expect(quick).toEqual([1, 2, 3, 4, 5]);
      expect(slow.dropped).toBe(row.dropped);
      expect(hooks.dropped.mock.calls).toEqual(Array(row.dropped).fill(['a', 1]));
      expect(await read(slow, row.expected.length)).toEqual(row.expected);
    });

    it('fails it with slow-consumer and lets go of it', async () => {
      const bus = new MessageBus();
      const slow = bus.subscribe('a', { capacity: 1 });
      await publishAll(bus, 'a', 1, 2);
      expect(bus.subscriberCount()).toBe(0);
      expect(await read(slow, 1)).toEqual([1]);
      await expect(slow.next()).rejects.toMatchObject({ name: 'BusError', code: 'slow-consumer' });
      expect(await slow.next()).toEqual({ done: true, value: undefined });
    });
  });

  describe('with listeners', () => {
    it('keeps the message from nobody when one throws or rejects, and tells the hook', async () => {
      const hooks = createHooks();
      const bus = new MessageBus({ hooks });
      const seen: unknown[] = [];
      const [thrown, rejected] = [new Error('thrown'), new Error('rejected')];
      bus.addListener('a', () => {
        throw thrown;
      });
      bus.addListener('a', () => Promise.reject(rejected));
      bus.addListener('a', (message) => seen.push(message));
      const subscription = bus.subscribe('a');
      await publishAll(bus, 'a', 1, 2);
      expect(seen).toEqual([1, 2]);
      expect(await read(subscription, 2)).toEqual([1, 2]);
      const told = hooks.listenerFailed.mock.calls;
      expect(told).toHaveLength(4);
      expect(told).toEqual(
        expect.arrayContaining([
          ['a', thrown],
          ['a', rejected],
        ]),
      );
    });

    it('calls a function added twice once, and stops when it is removed once', async () => {
      const bus = new MessageBus();
      const fn = vi.fn();
      bus.addListener('a', fn);
      bus.addListener('a', fn);
      bus.addListener('b', fn);
      await bus.publish('a', 1);
      expect(fn).toHaveBeenCalledTimes(1);
      bus.removeListener('a', fn);
      bus.removeListener('a', fn);
      await bus.publish('a', 2);
      expect(fn).toHaveBeenCalledTimes(1);
      await bus.publish('b', 3);
      expect(fn).toHaveBeenCalledTimes(2);
    });

    it('does not remove a later listener by what an earlier one was given', async () => {
      const bus = new MessageBus();
      const fn = vi.fn();
      const remove = bus.addListener('a', fn);
      remove();
      bus.addListener('a', fn);
      remove();
      await bus.publish('a', 1);
      expect(fn).toHaveBeenCalledTimes(1);
      bus.removeListener('a', fn);
      await bus.publish('a', 2);
      expect(fn).toHaveBeenCalledTimes(1);
    });

    it('is not disturbed by one that removes itself or another, or adds one, in a delivery', async () => {
      const bus = new MessageBus();
      const calls: string[] = [];
      const note = (name: string) => (n: unknown) => calls.push(`${name}${n}`);
      const [removed, added, last] = [note('removed'), note('added'), note('last')];
      const once = (n: unknown) => {
        note('once')(n);
        bus.removeListener('a', once);
        bus.removeListener('a', removed);
        bus.addListener('a', added);
      };
      for (const fn of [once, removed, last]) bus.addListener('a', fn);
      await publishAll(bus, 'a', 1, 2);
      expect(calls).toEqual(['once1', 'last1', 'last2', 'added2']);
    });

    it('counts what is delivered, and to how many', async () => {
      const hooks = createHooks();
      const bus = new MessageBus({ hooks });
      bus.addListener('a', () => {});
      bus.subscribe('a');
      await publishAll(bus, 'a', 1);
      await publishAll(bus, 'b', 1);
      expect(hooks.published.mock.calls).toEqual([['a'], ['b']]);
      expect(hooks.delivered.mock.calls).toEqual([['a', 2]]);
    });
  });

  it('tells the hook of what was not published, and ends no process where nobody waits for it', async () => {
    const publishFailed = vi.fn();
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const bus = new MessageBus({ hooks: { publishFailed } });
    void bus.publish('', 1);
    await bus.close();
    void bus.publish('a', 1);
    await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(publishFailed.mock.calls).toEqual([
      ['', expect.any(TypeError)],
      ['a', expect.objectContaining({ code: 'unavailable' })],
    ]);
  });

  describe('when it is used wrongly', () => {
    const channels = ['', undefined, null, 1, {}] as string[];

    it('refuses a channel that is no string, or an empty one', async () => {
      const bus = new MessageBus();
      const expected = new TypeError(
        'A channel must be a string that is not empty, or made by defineChannel().',
      );
      for (const channel of channels) {
        await expect(bus.publish(channel, 1)).rejects.toEqual(expected);
        expect(() => bus.subscribe(channel)).toThrow(expected);
        expect(() => bus.addListener(channel, () => {})).toThrow(expected);
      }
    });

    it('refuses a listener that is no function, and options it does not know', async () => {
      const bus = new MessageBus();
      expect(() => bus.addListener('a', 'fn' as unknown as () => void)).toThrow(TypeError);
      expect(() => bus.subscribe('a', { capacity: 0 })).toThrow(TypeError);
      expect(() => bus.subscribe('a', { overflow: 'drop' as 'error' })).toThrow(TypeError);
      const scope = 'world' as MessageScope;
      await expect(bus.publish('a', 1, { scope })).rejects.toThrow(
        "scope must be 'auto', 'global' or 'local', not world.",
      );
      expect(bus.subscriberCount()).toBe(0);
    });
  });
});

describe('MessageBus scopes', () => {
  it("refuses 'global' without a cluster, saying what it needs", async () => {
    const bus = new MessageBus();
    const seen = vi.fn();
    bus.addListener('a', seen);
    const refused = bus.publish('a', 1, { scope: 'global' });
    await expect(refused).rejects.toThrow(/needs a bus driver that reaches other servers/);
    expect(seen).not.toHaveBeenCalled();
  });

  it("does what is possible with 'auto' and stays in the process with 'local'", async () => {
    const bus = new MessageBus();
    const subscription = bus.subscribe('a');
    await bus.publish('a', 1, { scope: 'auto' });
    await bus.publish('a', 2, { scope: 'local' });
    expect(await read(subscription, 2)).toEqual([1, 2]);
  });

  it("reaches the other server with 'auto' and 'global' only, where there is a cluster", async () => {
    const relay = new Relay();
    const [here, there] = [relay, relay].map(
      () => new MessageBus({ driver: new RelayDriver(relay) }),
    ) as [MessageBus, MessageBus];
    const [own, far] = [here.subscribe<number>('a'), there.subscribe<number>('a')];
    await Promise.all([own.ready, far.ready]);
    await here.publish('a', 1, { scope: 'local' });
    await here.publish('a', 2, { scope: 'global' });
    await here.publish('a', 3);
    expect(await read(own, 3)).toEqual([1, 2, 3]);
    expect(await read(far, 2)).toEqual([2, 3]);
    await Promise.all([here.close(), there.close()]);
  });
});

describe('MessageBus over a clustered driver', () => {
  function createClustered() {
    const relay = new Relay();
    const driver = new RelayDriver(relay);
    const hooks = createHooks();
    return { relay, driver, hooks, bus: new MessageBus({ driver, hooks }) };
  }

  it('subscribes once per channel, and leaves it after the last subscriber', async () => {
    const { bus, driver } = createClustered();
    const subscribe = vi.spyOn(driver, 'subscribe');
    const remove = bus.addListener('a', () => {});
    const subscriptions = [bus.subscribe('a'), bus.subscribe('a')];
    expect(subscribe).toHaveBeenCalledTimes(1);
    for (const subscription of subscriptions) subscription.cancel();
    expect(driver.subscribed).toEqual(['a']);
    remove();
    expect(driver.subscribed).toEqual([]);
  });

  it('resolves ready when the subscription stands', async () => {
    const { bus, relay } = createClustered();
    const release = relay.hold();
    const subscription = bus.subscribe('a');
    const ready = vi.fn();
    const waiting = subscription.ready.then(ready);
    await bus.publish('a', 1, { scope: 'local' });
    expect(await read(subscription, 1)).toEqual([1]);
    expect(ready).not.toHaveBeenCalled();
    release();
    await waiting;
    await bus.subscribe('a').ready;
  });

  it('resolves ready when the subscription is cancelled before it stands', async () => {
    const { bus, relay } = createClustered();
    const release = relay.hold();
    const subscription = bus.subscribe('a');
    subscription.cancel();
    await subscription.ready;
    release();
    expect(bus.subscriberCount()).toBe(0);
  });

  it('resolves ready when the subscription runs over before it stands', async () => {
    const { bus, relay } = createClustered();
    const release = relay.hold();
    const subscription = bus.subscribe('a', { capacity: 1 });
    for (const message of [1, 2]) await bus.publish('a', message, { scope: 'local' });
    await subscription.ready;
    expect(await subscription.next()).toEqual({ done: false, value: 1 });
    await expect(subscription.next()).rejects.toMatchObject({ code: 'slow-consumer' });
    release();
  });

  it('fails ready and the loop, and tells the hook, when the channel is refused', async () => {
    const { bus, relay, driver, hooks } = createClustered();
    const refusal = new Error('not permitted');
    relay.refuse(refusal);
    const subscription = bus.subscribe('a');
    const fn = vi.fn();
    bus.addListener('a', fn);
    await expect(subscription.next()).rejects.toBe(refusal);
    await expect(subscription.ready).rejects.toBe(refusal);
    expect(hooks.channelFailed.mock.calls).toEqual([['a', refusal]]);
    expect([bus.subscriberCount(), driver.subscribed]).toEqual([0, []]);

    relay.refuse(undefined);
    bus.addListener('a', fn);
    await bus.publish('a', 1, { scope: 'local' });
    expect(fn.mock.calls).toEqual([[1]]);
  });

  it('leaves no rejection unhandled when nobody waits for ready', async () => {
    const { bus, relay } = createClustered();
    relay.refuse(new Error('not permitted'));
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    await expect(bus.subscribe('a').next()).rejects.toThrow('not permitted');
    await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('tells the hook of a gap, and how many have not been told themselves', () => {
    const { bus, driver, hooks } = createClustered();
    bus.subscribe('a');
    bus.addListener('a', () => {});
    bus.subscribe('a', { onGap: () => {} });
    driver.gap('a', 'reconnected');
    expect(hooks.gap.mock.calls).toEqual([['a', 'reconnected', 2]]);
  });
});

describe('MessageBus.close', () => {
  it('ends every loop after what is queued, removes the listeners and closes the driver', async () => {
    const relay = new Relay();
    const driver = new RelayDriver(relay);
    const bus = new MessageBus({ driver });
    const subscription = bus.subscribe('a');
    bus.addListener('a', () => {});
    await bus.publish('a', 1, { scope: 'local' });
    const closing = bus.close();
    expect(bus.close()).toBe(closing);
    await closing;
    expect(await read(subscription, 2)).toEqual([1]);
    expect([bus.subscriberCount(), relay.drivers.size]).toEqual([0, 0]);
  });

  it('refuses to publish afterwards, and gives subscriptions that are over', async () => {
    const bus = new MessageBus();
    await bus.close();
    await expect(bus.publish('a', 1)).rejects.toMatchObject({ code: 'unavailable' });
    const subscription = bus.subscribe('a');
    await subscription.ready;
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    bus.addListener('a', () => {})();
    expect(bus.subscriberCount()).toBe(0);
  });
});
