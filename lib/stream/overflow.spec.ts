import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { OVERFLOWS, type Overflow, OverflowQueue } from './overflow.js';

class SlowReader extends Error {}

interface QueueSetup {
  capacity?: number;
  overflow?: Overflow;
}

function createQueue<T>({ capacity, overflow }: QueueSetup = {}) {
  const onClose = vi.fn<() => void>();
  const overflowError = () => new SlowReader();
  const queue = new OverflowQueue<T>({ capacity, overflow, overflowError, onClose });
  return { queue, onClose };
}

/** Reads to the end; an error of the stream becomes its word in the list, and reading goes on. */
async function readAll(queue: OverflowQueue<unknown>): Promise<unknown[]> {
  const read: unknown[] = [];
  for (;;) {
    try {
      for await (const item of queue) read.push(item);
      return read;
    } catch (error) {
      read.push(error instanceof SlowReader ? 'too slow' : error);
    }
  }
}

function pushAll<T>(queue: OverflowQueue<T>, ...items: T[]): boolean[] {
  return items.map((item) => queue.push(item));
}

/** An item that a reader waited for; of a queue that nobody holds. */
async function readWeakly(): Promise<WeakRef<object>> {
  const { queue } = createQueue<object>();
  const read = queue.next();
  queue.push({ some: 'item' });
  const { value } = await read;
  return new WeakRef(value as object);
}

describe('OverflowQueue', () => {
  it('gives what was queued, in order, before the end', async () => {
    const { queue } = createQueue<number>();
    pushAll(queue, 1, 2, 3);
    queue.end();
    expect(await readAll(queue)).toEqual([1, 2, 3]);
  });

  it('gives what was queued before the error, and the error once', async () => {
    const { queue } = createQueue<number>();
    pushAll(queue, 1, 2);
    queue.fail('broken');
    expect(await readAll(queue)).toEqual([1, 2, 'broken']);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('takes undefined, null, promises and errors for items', async () => {
    const { queue } = createQueue<unknown>();
    const items = [undefined, null, Promise.resolve(1), new Error('an item')];
    pushAll(queue, ...items);
    queue.end();
    for (const item of items) expect((await queue.next()).value === item).toBe(true);
    expect((await queue.next()).done).toBe(true);
  });

  it('keeps order when it grows while it is partly read', async () => {
    const { queue } = createQueue<number>();
    const items = Array.from({ length: 100 }, (_, n) => n);
    pushAll(queue, ...items.slice(0, 8));
    const read = [(await queue.next()).value, (await queue.next()).value];
    pushAll(queue, ...items.slice(8));
    queue.end();
    expect([...read, ...(await readAll(queue))]).toEqual(items);
  });

  it('answers waiting readers in the order they asked', async () => {
    const { queue } = createQueue<number>();
    const waiting = [queue.next(), queue.next(), queue.next(), queue.next()];
    queue.push(1);
    queue.pushError('between');
    queue.push(2);
    queue.end();
    const settled = await Promise.allSettled(waiting);
    expect(settled).toEqual([
      { status: 'fulfilled', value: { done: false, value: 1 } },
      { status: 'rejected', reason: 'between' },
      { status: 'fulfilled', value: { done: false, value: 2 } },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  it('wakes waiting readers when the source fails: the first with the error, the rest with the end', async () => {
    const { queue } = createQueue<number>();
    const waiting = [queue.next(), queue.next()];
    queue.fail('broken');
    expect(await Promise.allSettled(waiting)).toEqual([
      { status: 'rejected', reason: 'broken' },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  it('wakes a waiting reader when the reader leaves', async () => {
    const { queue } = createQueue<number>();
    const waiting = queue.next();
    expect(await queue.return()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it('lets go of what is queued when the reader leaves', async () => {
    const { queue } = createQueue<number>();
    pushAll(queue, 1, 2, 3);
    for await (const item of queue) {
      expect(item).toBe(1);
      break;
    }
    expect(await readAll(queue)).toEqual([]);
    expect(queue.dropped).toBe(0);
  });

  it('keeps nothing of an item that a reader waited for', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const item = await readWeakly();
    await vi.waitFor(
      () => {
        collectGarbage();
        expect(item.deref() === undefined).toBe(true);
      },
      { timeout: 5000, interval: 10 },
    );
  });

  it('takes nothing after the end, and says so to the source', async () => {
    const { queue } = createQueue<number>();
    expect(queue.push(1)).toBe(true);
    queue.end();
    expect([queue.push(2), queue.pushError('late')]).toEqual([false, false]);
    queue.fail('late');
    expect(await readAll(queue)).toEqual([1]);
    expect(queue.dropped).toBe(0);
  });

  it('lets the source go once, whichever way it is over first', async () => {
    const ways: ((queue: OverflowQueue<number>) => unknown)[] = [
      (queue) => queue.end(),
      (queue) => queue.fail('broken'),
      (queue) => queue.return(),
      (queue) => pushAll(queue, 1, 2),
    ];
    for (const first of ways) {
      const { queue, onClose } = createQueue<number>({ capacity: 1 });
      first(queue);
      expect(onClose).toHaveBeenCalledTimes(1);
      for (const later of ways) await later(queue);
      expect(onClose).toHaveBeenCalledTimes(1);
    }
  });

  it('refuses a capacity or an overflow it does not know, with a sentence', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => createQueue({ capacity })).toThrow(/^capacity must be a whole number from 1/);
    const overflow = 'dropAll' as Overflow;
    expect(() => createQueue({ overflow })).toThrow(
      new TypeError('overflow must be one of error, dropOldest, dropNewest, latest, not dropAll.'),
    );
  });

  describe('when the reader is too slow', () => {
    const cases = [
      {
        overflow: 'error',
        read: [1, 2, 'too slow'],
        taken: [true, true, false, false],
        dropped: 1,
      },
      { overflow: 'dropOldest', read: [3, 4], taken: [true, true, true, true], dropped: 2 },
      { overflow: 'dropNewest', read: [1, 2], taken: [true, true, true, true], dropped: 2 },
      { overflow: 'latest', read: [4], taken: [true, true, true, true], dropped: 3 },
    ] as const;

    it.each(cases)('does what $overflow says', async ({ overflow, read, taken, dropped }) => {
      const { queue, onClose } = createQueue<number>({ capacity: 2, overflow });
      expect(pushAll(queue, 1, 2, 3, 4)).toEqual(taken);
      expect(onClose).toHaveBeenCalledTimes(overflow === 'error' ? 1 : 0);
      queue.end();
      expect(await readAll(queue)).toEqual(read);
      expect(queue.dropped).toBe(dropped);
    });

    it('keeps 4,096 items by default, then fails', async () => {
      const { queue } = createQueue<number>();
      for (let i = 0; i < 4096; i += 1) expect(queue.push(i)).toBe(true);
      expect(queue.push(4096)).toBe(false);
      expect(await readAll(queue)).toHaveLength(4097);
    });
  });

  describe('with an error among the items', () => {
    it('rejects one next() and goes on', async () => {
      const { queue, onClose } = createQueue<number>();
      queue.push(1);
      expect(queue.pushError('odd')).toBe(true);
      queue.push(2);
      expect((await queue.next()).value).toBe(1);
      await expect(queue.next()).rejects.toBe('odd');
      expect((await queue.next()).value).toBe(2);
      expect(onClose).not.toHaveBeenCalled();
    });

    it('lets a for await loop that catches it start again', async () => {
      const { queue } = createQueue<number>();
      queue.push(1);
      queue.pushError('odd');
      queue.push(2);
      queue.end();
      expect(await readAll(queue)).toEqual([1, 'odd', 2]);
    });

    it('counts it as an item, for the capacity and for what was dropped', async () => {
      const { queue } = createQueue<number>({ capacity: 2, overflow: 'dropOldest' });
      queue.pushError('odd');
      pushAll(queue, 1, 2);
      queue.end();
      expect(queue.dropped).toBe(1);
      expect(await readAll(queue)).toEqual([1, 2]);
    });
  });
});

type Step =
  | { readonly do: 'push' | 'pushError' }
  | { readonly do: 'next' }
  | { readonly do: 'turn' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ do: 'push' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'pushError' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'next' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'turn' }) },
);
const anyEnd = fc.constantFrom('end', 'fail', 'return');
const anyOverflow = fc.constantFrom(...OVERFLOWS);

/** Runs the steps; what is pushed are growing numbers, and an error among them is its number. */
async function run(queue: OverflowQueue<number>, steps: readonly Step[]) {
  const answers: Promise<number | 'end' | 'too slow' | 'failed'>[] = [];
  let pushed = 0;
  const read = () =>
    queue.next().then(
      (result) => (result.done ? 'end' : result.value),
      (error) => (error instanceof SlowReader ? 'too slow' : error),
    );
  for (const step of steps) {
    if (step.do === 'next') answers.push(read());
    else if (step.do === 'turn') await Promise.resolve();
    else {
      const before = queue.dropped;
      const taken = step.do === 'push' ? queue.push(pushed) : queue.pushError(pushed);
      if (taken || queue.dropped > before) pushed += 1;
    }
  }
  return { answers, pushed, read };
}

describe('OverflowQueue, for any interleaving', () => {
  const anyRun = fc.record({
    steps: fc.array(anyStep, { maxLength: 200 }),
    capacity: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 100 })),
    overflow: anyOverflow,
  });

  it('keeps order, loses nothing that is not counted as dropped, and ends', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, anyEnd, async ({ steps, ...setup }, ending) => {
        const { queue, onClose } = createQueue<number>(setup);
        const { answers, pushed, read } = await run(queue, steps);
        if (ending === 'end') queue.end();
        else if (ending === 'fail') queue.fail('failed');
        else await queue.return();
        const early = await Promise.all(answers);
        const late: unknown[] = [];
        for (let answer = await read(); answer !== 'end'; answer = await read()) late.push(answer);

        const all: unknown[] = [...early, ...late];
        const items = all.filter((answer) => typeof answer === 'number');
        expect(items).toEqual([...items].sort((a, b) => a - b));
        expect(new Set(items).size).toBe(items.length);
        if (ending === 'return') expect(late).toEqual([]);
        else expect(items.length + queue.dropped).toBe(pushed);
        expect(late.length).toBeLessThanOrEqual(
          (setup.overflow === 'latest' ? 1 : setup.capacity) + 1,
        );
        const errors = all.filter((answer) => answer === 'too slow' || answer === 'failed');
        expect(errors.length).toBeLessThanOrEqual(1);
        expect(onClose).toHaveBeenCalledTimes(1);
      }),
      { numRuns: 500 },
    );
  });

  it('gives an answer to every waiting reader in the order of asking', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ steps, ...setup }) => {
        const { queue } = createQueue<number>(setup);
        const order: number[] = [];
        const { answers } = await run(queue, steps);
        const marked = answers.map((answer, index) => answer.then(() => order.push(index)));
        queue.end();
        await Promise.all(marked);
        expect(order).toEqual(order.map((_, index) => index));
        const ended = (await Promise.all(answers)).map((answer) => answer === 'end');
        expect(ended).toEqual([...ended].sort());
      }),
    );
  });

  it('gives a for await reader of any pace exactly what was not dropped', async () => {
    const anyPace = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(anyRun, anyPace, async ({ steps, ...setup }, pace) => {
        const { queue } = createQueue<number>(setup);
        const reader = readAtPace(queue, pace);
        const pushes = steps.filter((step) => step.do !== 'next');
        const { pushed } = await run(queue, pushes);
        queue.end();
        const read = await reader;
        expect(read).toEqual([...read].sort((a, b) => a - b));
        expect(read.length + queue.dropped).toBe(pushed);
      }),
    );
  });
});

async function readAtPace(queue: OverflowQueue<number>, pace: number[]): Promise<number[]> {
  const read: number[] = [];
  for (;;) {
    try {
      for await (const item of queue) {
        read.push(item);
        const pause = pace[read.length % pace.length] ?? 0;
        for (let i = 0; i < pause; i += 1) await Promise.resolve();
      }
      return read;
    } catch (error) {
      if (typeof error === 'number') read.push(error);
    }
  }
}
