import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Source } from '../stream/pump.js';
import { StreamController } from '../stream/stream-controller.js';
import { CallInput } from './call-input.js';

const PUSH = { capacity: 16, overflowError: () => new Error('overflow') };

/** Reads up to so many items; the list tells the end or the error, too. */
async function read(source: Source, most = Number.POSITIVE_INFINITY): Promise<unknown[]> {
  const items: unknown[] = [];
  try {
    while (items.length < most) {
      const { value, done } = await source.next();
      if (done === true) return [...items, 'the end'];
      items.push(value);
    }
  } catch (error) {
    items.push((error as Error).message);
  }
  return items;
}

async function* numbers(count: number, returned: () => void = () => undefined) {
  try {
    for (let i = 0; i < count; i++) yield i;
  } finally {
    returned();
  }
}

describe('The input of a call', () => {
  it('is read as it is where the call is opened once', () => {
    const source = numbers(3);
    expect(new CallInput(source, false).open(PUSH)).toBe(source);
  });

  it('gives each try all items from the first on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(8), { maxLength: 4 }),
        fc.nat(12),
        fc.boolean(),
        fc.boolean(),
        async (tries, count, fails, settles) => {
          const all = Array.from({ length: count }, (_, i) => i);
          async function* source() {
            yield* all;
            if (fails) throw new Error('failed');
          }
          const input = new CallInput(source(), true);
          for (const most of tries) {
            const told = await read(input.open(PUSH), most);
            expect(told).toEqual([...all, fails ? 'failed' : 'the end'].slice(0, most));
            input.detach();
          }
          const last = input.open(PUSH);
          if (settles) input.settle();
          expect(await read(last)).toEqual([...all, fails ? 'failed' : 'the end']);
        },
      ),
    );
  });

  it('loses no item that a try asked for and did not live to see', async () => {
    const controller = new StreamController<number>();
    const input = new CallInput(controller, true);
    const first = input.open(PUSH);
    const lost = first.next();
    input.detach();
    const second = input.open(PUSH);
    const items = read(second);
    await controller.add(1);
    await controller.add(2);
    controller.close();
    expect(await items).toEqual([1, 2, 'the end']);
    expect(await lost).toEqual({ value: 1, done: false });
  });

  it('asks its source for one item at a time, whichever try wants it', async () => {
    let asked = 0;
    let give: (value: IteratorResult<unknown>) => void = () => undefined;
    const stream = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked++;
          return new Promise<IteratorResult<unknown>>((resolve) => {
            give = resolve;
          });
        },
      }),
    };
    const input = new CallInput(stream, true);
    void input.open(PUSH).next();
    input.detach();
    const second = input.open(PUSH);
    const item = second.next();
    expect(asked).toBe(1);
    give({ value: 'a', done: false });
    expect(await item).toEqual({ value: 'a', done: false });
    input.settle();
    void second.next();
    expect(asked).toBe(2);
  });

  it('has nothing between its source and its reader once the call has begun', async () => {
    const results = [
      { value: 1, done: false },
      { value: 2, done: false },
    ].map((it) => Promise.resolve(it));
    const given = [...results];
    const stream = { [Symbol.asyncIterator]: () => ({ next: () => given.shift() }) };
    const input = new CallInput(stream, true);
    const reader = input.open(PUSH);
    expect(reader.next()).not.toBe(results[0]);
    await results[0];
    await Promise.resolve();
    input.settle();
    expect(reader.next()).toBe(results[1]);
  });

  it('is left alone by a try that another follows, and let go by the last', async () => {
    const returned = vi.fn();
    const input = new CallInput(numbers(10, returned), true);
    const first = input.open(PUSH);
    await first.next();
    input.detach();
    await first.return?.();
    expect(returned).not.toHaveBeenCalled();
    const second = input.open(PUSH);
    expect(await read(second, 2)).toEqual([0, 1]);
    await second.return?.();
    await second.return?.();
    expect(returned).toHaveBeenCalledOnce();
  });

  it('is let go between two tries, when nobody wants it any more', async () => {
    const returned = vi.fn();
    const input = new CallInput(numbers(10, returned), true);
    await input.open(PUSH).next();
    input.detach();
    input.discard();
    await Promise.resolve();
    expect(returned).toHaveBeenCalledOnce();
  });

  it('is let go in silence, whatever its source does about it', async () => {
    for (const give of [
      () => {
        throw new Error('now');
      },
      () => Promise.reject(new Error('later')),
    ]) {
      const next = async () => ({ value: 1, done: false });
      const stream = { [Symbol.asyncIterator]: () => ({ next, return: give as never }) };
      const input = new CallInput(stream, true);
      await input.open(PUSH).next();
      input.discard();
    }
    const unread = new StreamController();
    new CallInput(unread, true).discard();
    expect(unread.isClosed).toBe(true);
  });

  it('keeps bytes as they were, though the source uses them again', async () => {
    async function* reusing() {
      const bytes = Buffer.alloc(1);
      for (const byte of [1, 2]) {
        bytes[0] = byte;
        yield bytes;
      }
    }
    const input = new CallInput(reusing(), true);
    await read(input.open(PUSH), 2);
    input.detach();
    expect(await read(input.open(PUSH), 2)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  });

  it('subscribes to an observable once', async () => {
    const subscribe = vi.fn((observer: { next(value: number): void; complete(): void }) => {
      observer.next(1);
      observer.complete();
      return { unsubscribe: () => undefined };
    });
    const input = new CallInput({ subscribe }, true);
    await read(input.open(PUSH), 1);
    input.detach();
    expect(await read(input.open(PUSH))).toEqual([1, 'the end']);
    expect(subscribe).toHaveBeenCalledOnce();
  });
});
