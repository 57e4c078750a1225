import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { SlowConsumerError, StreamCancelledError, StreamController } from './stream-controller.js';

async function readAll(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const item of stream) read.push(item);
  return read;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return (await Promise.race([promise, turn().then(() => pending)])) === pending;
}

describe('StreamController', () => {
  it('gives what was added, in order, then the end', async () => {
    const input = new StreamController<number>();
    input.add(1);
    input.add(2);
    input.close();
    input.close();
    expect(await readAll(input)).toEqual([1, 2]);
    expect(input.isClosed).toBe(true);
  });

  it('gives what was added before an error, then the error', async () => {
    const input = new StreamController<number>();
    input.add(1);
    input.addError('broken');
    input.addError('again');
    input.close();
    const reader = input[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    await expect(reader.next()).rejects.toBe('broken');
    expect((await reader.next()).done).toBe(true);
  });

  it('wakes a reader that waits', async () => {
    const input = new StreamController<number>();
    const reader = input[Symbol.asyncIterator]();
    const waiting = [reader.next(), reader.next()];
    input.add(1);
    input.close();
    expect(await Promise.all(waiting)).toEqual([
      { done: false, value: 1 },
      { done: true, value: undefined },
    ]);
  });

  it('asks a caller that adds much to wait until half of it was read', async () => {
    const input = new StreamController<number>({ highWaterMark: 4 });
    for (let i = 0; i < 3; i++) await input.add(i);
    const fourth = input.add(3);
    const fifth = input.add(4);
    const reader = input[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) {
      expect(await isPending(fourth)).toBe(true);
      await reader.next();
    }
    await reader.next();
    await Promise.all([fourth, fifth]);
  });

  it('asks a caller to wait before the capacity is reached, however high the mark', async () => {
    const input = new StreamController<number>({ capacity: 4 });
    const reader = input[Symbol.asyncIterator]();
    const adding = (async () => {
      for (let i = 0; i < 50; i++) await input.add(i);
      input.close();
    })();
    await turn();
    const read: unknown[] = [];
    for (let it = await reader.next(); !it.done; it = await reader.next()) {
      read.push(it.value);
      await turn();
    }
    await adding;
    expect(read).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('lets a caller that waits go when the reader leaves, and when it is closed', async () => {
    const left = new StreamController<number>({ highWaterMark: 1 });
    const adding = left.add(1);
    await left[Symbol.asyncIterator]().return?.();
    await adding;
    const closed = new StreamController<number>({ highWaterMark: 1 });
    const waiting = closed.add(1);
    closed.close();
    await waiting;
  });

  it('tells its owner once that the reader has given up', async () => {
    const onCancel = vi.fn();
    const input = new StreamController<number>({ onCancel });
    input.add(1);
    for await (const _ of input) break;
    await input[Symbol.asyncIterator]().return?.();
    expect(onCancel).toHaveBeenCalledTimes(1);
    expect(input.isClosed).toBe(true);
  });

  it('tells its owner nothing of a reader that leaves what was closed', async () => {
    const onCancel = vi.fn();
    const input = new StreamController<number>({ onCancel });
    input.add(1);
    input.close();
    for await (const _ of input) break;
    expect(onCancel).not.toHaveBeenCalled();
  });

  it('refuses to add after the reader gave up, with a rejection nobody must handle', async () => {
    const input = new StreamController<number>();
    await input[Symbol.asyncIterator]().return?.();
    void input.add(1);
    await turn();
    await expect(input.add(2)).rejects.toThrow(StreamCancelledError);
    input.addError('ignored');
    input.close();
    expect(await readAll(input)).toEqual([]);
  });

  it('throws when something is added after it was closed', () => {
    const input = new StreamController<number>();
    input.close();
    expect(() => input.add(1)).toThrow(
      new TypeError('The stream is closed: nothing can be added.'),
    );
  });

  it('ends with a slow-consumer error when a caller that never waits exceeds the capacity', async () => {
    const onCancel = vi.fn();
    const input = new StreamController<number>({ capacity: 2, onCancel });
    for (let i = 0; i < 4; i++) void input.add(i);
    expect(onCancel).toHaveBeenCalledTimes(1);
    const reader = input[Symbol.asyncIterator]();
    expect([(await reader.next()).value, (await reader.next()).value]).toEqual([0, 1]);
    await expect(reader.next()).rejects.toThrow(SlowConsumerError);
    expect((await reader.next()).done).toBe(true);
  });

  it('refuses bounds that make no sense, with a sentence', () => {
    for (const highWaterMark of [0, -1, 1.5, Number.NaN]) {
      expect(() => new StreamController({ highWaterMark })).toThrow(
        /^highWaterMark must be a whole number from 1/,
      );
    }
    expect(() => new StreamController({ capacity: 0 })).toThrow(/^capacity must be/);
  });

  it('never lets more wait than its mark, whatever the pace, when its caller waits', async () => {
    const anyCase = fc.record({
      highWaterMark: fc.integer({ min: 1, max: 10 }),
      capacity: fc.integer({ min: 1, max: 12 }),
      count: fc.nat({ max: 60 }),
      pauses: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 6 }),
      leaveAt: fc.option(fc.nat({ max: 60 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ count, pauses, leaveAt, ...bounds }) => {
        const input = new StreamController<number>(bounds);
        const adding = addAll(input, count);
        const read: number[] = [];
        for await (const item of input) {
          read.push(item);
          for (let i = pauses[item % pauses.length] ?? 0; i > 0; i--) await Promise.resolve();
          if (item === leaveAt) break;
        }
        const end = leaveAt === undefined ? count : Math.min(count, leaveAt + 1);
        expect(read).toEqual(Array.from({ length: end }, (_, i) => i));
        await adding;
      }),
    );
  });
});

async function addAll(input: StreamController<number>, count: number): Promise<void> {
  try {
    for (let i = 0; i < count; i++) await input.add(i);
    input.close();
  } catch (error) {
    expect(error).toBeInstanceOf(StreamCancelledError);
  }
}
