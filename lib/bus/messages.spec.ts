import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { type Lifetime, MessageBus } from './message-bus.js';

class Owner implements Lifetime {
  #functions: (() => void)[] = [];

  onClose(fn: () => void): void {
    this.#functions.push(fn);
  }

  close(): void {
    for (const fn of this.#functions.splice(0)) fn();
  }
}

function createBound(bus = new MessageBus()) {
  const owner = new Owner();
  return { bus, owner, messages: bus.bind(owner) };
}

describe('Messages bound to an owner', () => {
  it('publishes to all and hears all, as the bus does', async () => {
    const { bus, messages } = createBound();
    const [mine, theirs] = [messages.subscribe('a'), bus.subscribe('a')];
    await messages.publish('a', 1);
    await bus.publish('a', 2);
    for (const subscription of [mine, theirs])
      expect([await subscription.next(), await subscription.next()]).toEqual([
        { done: false, value: 1 },
        { done: false, value: 2 },
      ]);
  });

  it('ends the loops of its owner normally, and nobody else’s, when the owner closes', async () => {
    const { bus, owner, messages } = createBound();
    const other = bus.subscribe('a');
    const loop = (async () => {
      const seen: unknown[] = [];
      for await (const message of messages.subscribe('a')) seen.push(message);
      return seen;
    })();
    await bus.publish('a', 1);
    await vi.waitFor(() => expect(bus.subscriberCount('a')).toBe(2), { interval: 1 });
    await new Promise(setImmediate);
    owner.close();
    expect(await loop).toEqual([1]);
    await bus.publish('a', 2);
    expect([(await other.next()).value, (await other.next()).value]).toEqual([1, 2]);
    expect(bus.subscriberCount()).toBe(1);
  });

  it('ends a generator that delegates to a subscription it waits for', async () => {
    const { owner, messages } = createBound();
    const left = vi.fn();
    async function* handler() {
      try {
        yield* messages.subscribe('a');
      } finally {
        left();
      }
    }
    const output = handler();
    const waiting = output.next();
    const returned = output.return();
    owner.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await returned;
    expect(left).toHaveBeenCalledTimes(1);
  });

  it('lets go of what is queued when the owner closes', async () => {
    const { bus, owner, messages } = createBound();
    const subscription = messages.subscribe('a');
    await bus.publish('a', 1);
    owner.close();
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
  });

  it('removes the listeners of its owner when the owner closes', async () => {
    const { bus, owner, messages } = createBound();
    const fn = vi.fn();
    messages.addListener('a', fn);
    messages.addListener('b', fn);
    await bus.publish('a', 1);
    owner.close();
    await bus.publish('a', 2);
    await bus.publish('b', 3);
    expect(fn.mock.calls).toEqual([[1]]);
    expect(bus.subscriberCount()).toBe(0);
  });

  it('closes in the middle of a delivery', async () => {
    const { bus, owner, messages } = createBound();
    const calls: string[] = [];
    messages.addListener('a', () => {
      calls.push('first');
      owner.close();
    });
    messages.addListener('a', () => calls.push('second'));
    bus.addListener('a', () => calls.push('other'));
    await bus.publish('a', 1);
    expect(calls).toEqual(['first', 'other']);
  });

  it('calls one function once for each owner, and removes it from one alone', async () => {
    const { bus, owner, messages } = createBound();
    const second = createBound(bus);
    const fn = vi.fn();
    for (const view of [messages, messages, second.messages, bus]) view.addListener('a', fn);
    await bus.publish('a', 1);
    expect(fn).toHaveBeenCalledTimes(3);
    owner.close();
    bus.removeListener('a', fn);
    await bus.publish('a', 2);
    expect(fn).toHaveBeenCalledTimes(4);
    second.messages.removeListener('a', fn);
    await bus.publish('a', 3);
    expect(fn).toHaveBeenCalledTimes(4);
  });

  it('gives what is over after the close, and still publishes', async () => {
    const { bus, owner, messages } = createBound();
    owner.close();
    const fn = vi.fn();
    const subscription = messages.subscribe('a');
    messages.addListener('a', fn);
    expect(bus.subscriberCount()).toBe(0);
    await subscription.ready;
    const outside = bus.subscribe('a');
    await messages.publish('a', 'goodbye');
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    expect((await outside.next()).value).toBe('goodbye');
    expect(fn).not.toHaveBeenCalled();
  });

  it('refuses wrong use like the bus', async () => {
    const { messages } = createBound();
    await expect(messages.publish('', 1)).rejects.toThrow(TypeError);
    expect(() => messages.subscribe('')).toThrow(TypeError);
    expect(() => messages.addListener('', () => {})).toThrow(TypeError);
  });

  it('keeps nothing of a subscription that ended before its owner, nor of an owner that closed', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const bus = new MessageBus();
    const owner = new Owner();
    const refs = [...useAndCancel(bus, owner), ...useAndClose(bus)];
    expect(refs).toHaveLength(6);
    await vi.waitFor(
      () => {
        collectGarbage();
        expect(refs.filter((ref) => ref.deref() !== undefined)).toEqual([]);
      },
      { timeout: 5000, interval: 10 },
    );
    // The bus and the living owner are still in use here.
    owner.close();
    await bus.close();
  });
});

function useAndCancel(bus: MessageBus, owner: Owner): WeakRef<object>[] {
  const messages = bus.bind(owner);
  const subscription = messages.subscribe('a');
  const fn = () => {};
  const remove = messages.addListener('a', fn);
  subscription.cancel();
  remove();
  return [new WeakRef(subscription), new WeakRef(fn)];
}

function useAndClose(bus: MessageBus): WeakRef<object>[] {
  const owner = new Owner();
  const messages = bus.bind(owner);
  const subscription = messages.subscribe('a');
  const fn = () => {};
  messages.addListener('a', fn);
  owner.close();
  return [owner, messages, subscription, fn].map((object) => new WeakRef(object));
}
