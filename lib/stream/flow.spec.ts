import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inbox, type Window } from './inbox.js';
import { Pump, type Source } from './pump.js';

const anyFlow = fc.record({
  window: fc.record({
    items: fc.integer({ min: 1, max: 12 }),
    bytes: fc.integer({ min: 1, max: 60 }),
  }),
  sizes: fc.array(fc.nat({ max: 40 }), { maxLength: 60 }),
  ending: fc.constantFrom('end' as const, 'throw' as const),
  /** How many turns of microtasks lie between what happens: of the source, the wire, the reader. */
  sourcePauses: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 }),
  wirePauses: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 }),
  readPauses: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 }),
  leaveAt: fc.option(fc.nat({ max: 60 }), { nil: undefined }),
});
type Flow = typeof anyFlow extends fc.Arbitrary<infer F> ? F : never;

/** Delivers in order, each after a pause of its own, as a connection does. */
class Wire {
  readonly #pauses: readonly number[];
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(pauses: readonly number[]) {
    this.#pauses = pauses;
  }

  send(deliver: () => void): void {
    const pause = this.#pauses[this.#count++ % this.#pauses.length] ?? 0;
    this.#last = this.#last.then(async () => {
      await microtasks(pause);
      deliver();
    });
  }
}

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

async function* items({ sizes, sourcePauses, ending }: Flow): AsyncGenerator<number> {
  for (let i = 0; i < sizes.length; i++) {
    await microtasks(sourcePauses[i % sourcePauses.length] ?? 0);
    yield i;
  }
  if (ending === 'throw') throw new Error('thrown');
}

/** A whole stream: a pump, the wire in both directions, an inbox. */
function createFlow(flow: Flow, source: Source, window: Window) {
  const state = { settled: 0, ended: 0, unread: 0, most: 0 };
  const wire = new Wire(flow.wirePauses);
  const back = new Wire(flow.wirePauses);
  let run: number[] = [];
  const flush = () => {
    const list = run;
    run = [];
    if (list.length === 0) return;
    const bytes = list.reduce((sum, item) => sum + (flow.sizes[item] ?? 0), 0);
    wire.send(() => expect(inbox.receive(list, 0, bytes)).toBe(true));
  };
  const over = (tell: () => void) => {
    flush();
    state.ended++;
    wire.send(tell);
  };
  const writer = {
    hasRoom: true,
    item: (_stream: number, item: unknown) => {
      state.most = Math.max(state.most, ++state.unread);
      if (run.push(item as number) === 1) queueMicrotask(flush);
      return flow.sizes[item as number] ?? 0;
    },
  };
  const owner = {
    ended: () => over(() => inbox.end()),
    failed: (error: unknown) => over(() => inbox.fail(error)),
    settled: () => void state.settled++,
  };
  const pump = new Pump(source, { writer, stream: 1, owner }, window.items, window.bytes);
  const inbox: Inbox = new Inbox(
    {
      grant: (moreItems, moreBytes) => back.send(() => pump.grant(moreItems, moreBytes)),
      cancel: () => back.send(() => pump.stop()),
    },
    window,
  );
  return { pump, inbox, state };
}

describe('A stream from its source to its reader, at any pace', () => {
  it('keeps order, loses nothing, keeps within the window, ends once and comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(anyFlow, async (flow) => {
        const { pump, inbox, state } = createFlow(flow, items(flow), flow.window);
        pump.run();
        const read: unknown[] = [];
        let error: unknown;
        try {
          for await (const item of inbox) {
            state.unread--;
            read.push(item);
            await microtasks(flow.readPauses[read.length % flow.readPauses.length] ?? 0);
            if (item === flow.leaveAt) break;
          }
        } catch (thrown) {
          error = thrown;
        }
        const leaves = flow.leaveAt !== undefined && flow.leaveAt < flow.sizes.length;
        const count = leaves ? (flow.leaveAt ?? 0) + 1 : flow.sizes.length;
        expect(read).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(error === undefined).toBe(leaves || flow.ending === 'end');
        expect(state.most).toBeLessThanOrEqual(flow.window.items);
        await new Promise(setImmediate);
        expect(state.settled).toBe(1);
        expect(state.ended).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});
