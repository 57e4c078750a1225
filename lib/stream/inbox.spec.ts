import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Inbox, type Window } from './inbox.js';

function createInbox(window: Window = { items: 8, bytes: 800 }) {
  const grant = vi.fn<(items: number, bytes: number) => void>();
  const cancel = vi.fn<() => void>();
  return { inbox: new Inbox({ grant, cancel }, window), grant, cancel };
}

/** Reads to the end; an error stands in the list as what was thrown, and reading goes on. */
async function readAll(inbox: Inbox): Promise<unknown[]> {
  const read: unknown[] = [];
  for (;;) {
    try {
      for await (const item of inbox) read.push(item);
      return read;
    } catch (error) {
      read.push(error);
    }
  }
}

async function takeWeakly(inbox: Inbox): Promise<WeakRef<object>> {
  const { value } = await inbox.next();
  return new WeakRef(value as object);
}

describe('Inbox', () => {
  it('gives what arrived, in order, before the end', async () => {
    const { inbox } = createInbox();
    inbox.receive([4, 7, 3, 'a', 'b', 'c'], 3, 3);
    inbox.receive(['d'], 0, 1);
    inbox.end();
    expect(await readAll(inbox)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives what arrived before the error, and the error once', async () => {
    const { inbox } = createInbox();
    inbox.receive([1, 2], 0, 2);
    inbox.fail('broken');
    inbox.fail('again');
    expect(await readAll(inbox)).toEqual([1, 2, 'broken']);
    expect(await inbox.next()).toEqual({ done: true, value: undefined });
  });

  it('answers several waiting readers in the order they asked, from one run', async () => {
    const { inbox } = createInbox();
    const waiting = [inbox.next(), inbox.next(), inbox.next(), inbox.next()];
    inbox.receive([1, undefined], 0, 2);
    inbox.fail('broken');
    expect(await Promise.allSettled(waiting)).toEqual([
      { status: 'fulfilled', value: { done: false, value: 1 } },
      { status: 'fulfilled', value: { done: false, value: undefined } },
      { status: 'rejected', reason: 'broken' },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  it('drops what waits when it is closed, an error too, and wakes its reader with the end', async () => {
    const { inbox, cancel } = createInbox();
    inbox.receive([1], 0, 1);
    inbox.fail('broken');
    inbox.close();
    expect(await readAll(inbox)).toEqual([]);
    const open = createInbox();
    const waiting = open.inbox.next();
    open.inbox.close();
    expect((await waiting).done).toBe(true);
    expect([cancel, open.cancel].map((spy) => spy.mock.calls.length)).toEqual([0, 0]);
  });

  it('tells the writer once that the reader left, and takes nothing afterwards', async () => {
    const { inbox, cancel, grant } = createInbox();
    inbox.receive([1, 2, 3], 0, 3);
    for await (const item of inbox) {
      expect(item).toBe(1);
      break;
    }
    await inbox.return();
    expect(cancel).toHaveBeenCalledTimes(1);
    expect(inbox.receive([4], 0, 1)).toBe(true);
    inbox.end();
    expect(await readAll(inbox)).toEqual([]);
    expect(grant).not.toHaveBeenCalled();
  });

  it('does not tell a writer that is done that the reader left', async () => {
    const { inbox, cancel } = createInbox();
    inbox.receive([1, 2], 0, 2);
    inbox.end();
    for await (const _ of inbox) break;
    expect(cancel).not.toHaveBeenCalled();
    expect(await readAll(inbox)).toEqual([]);
  });

  it('gives credit when half of the window was taken, not before, and none after the end', async () => {
    const { inbox, grant } = createInbox();
    inbox.receive([1, 2, 3, 4, 5, 6, 7, 8], 0, 8);
    for (let i = 0; i < 3; i++) await inbox.next();
    expect(grant).not.toHaveBeenCalled();
    await inbox.next();
    expect(grant.mock.calls).toEqual([[4, 4]]);
    inbox.end();
    expect(await readAll(inbox)).toEqual([5, 6, 7, 8]);
    expect(grant).toHaveBeenCalledTimes(1);
  });

  it('weighs what arrived together as a whole until the last of it is taken', async () => {
    const { inbox } = createInbox({ items: 8, bytes: 800 });
    inbox.receive([1, 2, 3, 4, 5, 'long'], 0, 700);
    for (let i = 0; i < 5; i++) await inbox.next();
    expect(inbox.weight).toBeGreaterThanOrEqual(700);
    await inbox.next();
    expect(inbox.weight).toBe(0);
  });

  it('holds nothing that was taken, while others that arrived with it wait', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { inbox } = createInbox();
    inbox.receive([{}, {}, 'last'], 0, 3);
    const taken = [await takeWeakly(inbox), await takeWeakly(inbox)];
    await vi.waitFor(() => {
      collectGarbage();
      expect(taken.filter((item) => item.deref() !== undefined)).toEqual([]);
    });
    expect(await inbox.next()).toEqual({ done: false, value: 'last' });
  });

  it('refuses what exceeds the items or the bytes it granted, but for one item', () => {
    const items = createInbox({ items: 2, bytes: 100 }).inbox;
    expect(items.receive([1, 2, 3], 0, 3)).toBe(false);
    expect(items.receive([1, 2], 0, 2)).toBe(true);
    expect(items.receive([3], 0, 1)).toBe(false);
    const bytes = createInbox({ items: 100, bytes: 10 }).inbox;
    expect(bytes.receive(['larger than the window'], 0, 999)).toBe(true);
    expect(bytes.receive(['x'], 0, 1)).toBe(false);
  });

  it('loses no fraction of a byte, however long the stream is', async () => {
    const window = { items: 1_000, bytes: 30 };
    const writer = new Writer(window);
    const grant = (items: number, bytes: number) => {
      writer.items += items;
      writer.bytes += bytes;
    };
    const inbox = new Inbox({ grant, cancel: () => undefined }, window);
    for (let round = 0; round < 2_000; round++) {
      const { list, bytes } = writer.run([4, 4, 5]);
      expect(list).toHaveLength(3);
      expect(inbox.receive(list, 0, bytes)).toBe(true);
      for (let i = 0; i < 3; i++) await inbox.next();
    }
  });

  it('has no rejection of its own when nobody reads the error', async () => {
    const { inbox } = createInbox();
    inbox.fail(new Error('nobody looks'));
    await new Promise(setImmediate);
  });
});

/** A writer that keeps to its credit, as a pump does. */
class Writer {
  sent = 0;
  items: number;
  bytes: number;

  constructor(window: Window) {
    this.items = window.items;
    this.bytes = window.bytes;
  }

  /** A run of the sizes, cut off where the credit ends. */
  run(sizes: readonly number[]): { list: number[]; bytes: number } {
    const list: number[] = [];
    let total = 0;
    for (const size of sizes) {
      if (this.items === 0 || this.bytes <= 0) break;
      list.push(this.sent++);
      this.items--;
      this.bytes -= size;
      total += size;
    }
    return { list, bytes: total };
  }
}

type Step = { readonly send: readonly number[] } | { readonly read: number } | 'turn';

const anySize = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2_000 }));
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ send: fc.array(anySize, { minLength: 1, maxLength: 12 }) }),
  fc.record({ read: fc.integer({ min: 1, max: 12 }) }),
  fc.constant<Step>('turn'),
);
const anyRun = fc.record({
  items: fc.integer({ min: 1, max: 20 }),
  bytes: fc.integer({ min: 1, max: 500 }),
  steps: fc.array(anyStep, { maxLength: 60 }),
});

async function play(window: Window, steps: readonly Step[]) {
  const writer = new Writer(window);
  const answers: Promise<unknown>[] = [];
  const inbox = new Inbox(
    {
      grant: (items, bytes) => {
        writer.items += items;
        writer.bytes += bytes;
      },
      cancel: () => undefined,
    },
    window,
  );
  const read = () => {
    const answer = inbox.next().then(
      ({ done, value }) => (done === true ? 'end' : value),
      () => 'error',
    );
    answers.push(answer);
    return answer;
  };
  for (const step of steps) {
    if (step === 'turn') await Promise.resolve();
    else if ('read' in step) for (let i = 0; i < step.read; i++) read();
    else {
      const { list, bytes } = writer.run(step.send);
      if (list.length > 0) expect(inbox.receive(list, 0, bytes)).toBe(true);
      expect(writer.items).toBeGreaterThanOrEqual(0);
      expect(writer.items).toBeLessThanOrEqual(window.items);
    }
  }
  return { inbox, writer, answers, read };
}

describe('Inbox, for any interleaving', () => {
  it('keeps order, loses nothing before the end, and ends once for each reader', async () => {
    const anyEnding = fc.constantFrom('end' as const, 'fail' as const);
    await fc.assert(
      fc.asyncProperty(anyRun, anyEnding, async ({ steps, ...window }, ending) => {
        const { inbox, writer, answers, read } = await play(window, steps);
        if (ending === 'end') inbox.end();
        else inbox.fail('failed');
        while ((await read()) !== 'end');
        const all = await Promise.all(answers);
        const items = all.filter((answer) => typeof answer === 'number');
        expect(items).toEqual(Array.from({ length: writer.sent }, (_, i) => i));
        const rest = all.slice(items.length);
        expect(rest.filter((answer) => answer === 'error')).toHaveLength(ending === 'end' ? 0 : 1);
        expect(rest[0]).toBe(ending === 'end' ? 'end' : 'error');
      }),
      { numRuns: 300 },
    );
  });

  it('holds no more than the window and one item', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ steps, ...window }) => {
        const sends = steps.filter((step) => step !== 'turn' && 'send' in step);
        const { inbox, writer, read } = await play(window, sends);
        expect(writer.sent).toBeLessThanOrEqual(window.items);
        inbox.end();
        let held = 0;
        while ((await read()) !== 'end') held++;
        expect(held).toBe(writer.sent);
      }),
    );
  });

  it('gives back all credit but what waits to be half a window, so that a writer never starves', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ steps, ...window }) => {
        const { writer, answers, read } = await play(window, steps);
        while (answers.length < writer.sent) await read();
        expect(writer.items * 2).toBeGreaterThan(window.items);
        expect(writer.items).toBeLessThanOrEqual(window.items);
        expect((writer.bytes + 1) * 2).toBeGreaterThan(window.bytes);
        expect(writer.bytes).toBeLessThanOrEqual(window.bytes);
        expect(writer.bytes).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  it('wakes every reader when it is closed or left in the middle', async () => {
    const anyLeaving = fc.constantFrom('close' as const, 'return' as const);
    await fc.assert(
      fc.asyncProperty(anyRun, anyLeaving, async ({ steps, ...window }, leaving) => {
        const { inbox, answers, read } = await play(window, steps);
        await inbox[leaving]();
        expect(await read()).toBe('end');
        const all = await Promise.all(answers);
        const items = all.filter((answer) => typeof answer === 'number');
        expect(items).toEqual(items.map((_, i) => i));
        expect(all.slice(items.length).every((answer) => answer === 'end')).toBe(true);
      }),
    );
  });
});
