import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ItemWriter, Pump, type PumpOwner, type Source } from './pump.js';

/** Writer and owner at once: writes down what happens, as `write 1`, `end`, `fail x`, `settled`. */
class Recorder implements ItemWriter, PumpOwner {
  readonly log: string[] = [];
  hasRoom = true;
  #rest: () => void = () => undefined;
  /** Resolves when the source has come to rest. */
  readonly rest = new Promise<void>((resolve) => {
    this.#rest = resolve;
  });

  item(_stream: number, item: unknown): number {
    if (item === 'unwritable') throw new TypeError('unwritable');
    this.log.push(`write ${String(item)}`);
    return 10;
  }

  ended(): void {
    this.log.push('end');
  }

  failed(error: unknown): void {
    this.log.push(`fail ${String(error)}`);
  }

  settled(error?: unknown): void {
    this.log.push(error === undefined ? 'settled' : `settled ${String(error)}`);
    this.#rest();
  }
}

function createPump(source: Source, items = 100, bytes = 100_000) {
  const port = new Recorder();
  const pump = new Pump(source, { writer: port, stream: 1, owner: port }, items, bytes);
  return { port, pump, log: port.log };
}

function start(source: Source, items?: number, bytes?: number) {
  const made = createPump(source, items, bytes);
  made.pump.run();
  return { ...made, rest: made.port.rest };
}

async function* values(...items: unknown[]): AsyncGenerator<unknown> {
  yield* items;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const never = new Promise<never>(() => undefined);

describe('Pump', () => {
  it('writes what the source gives, then the end, then says that it settled', async () => {
    const { log, rest } = start(values(1, 2));
    await rest;
    expect(log).toEqual(['write 1', 'write 2', 'end', 'settled']);
  });

  it('pulls nothing before it is run, without credit, and without room', async () => {
    let pulled = 0;
    const source = { next: async () => ({ done: false, value: pulled++ }) };
    const { pump, port } = createPump(source, 0);
    await turn();
    pump.run();
    await turn();
    expect(pulled).toBe(0);
    port.hasRoom = false;
    pump.grant(2, 100);
    await turn();
    expect(pulled).toBe(0);
    port.hasRoom = true;
    pump.resume();
    await turn();
    expect(port.log).toEqual(['write 0', 'write 1']);
    pump.stop();
  });

  it('lets the last item exceed the bytes, and no further one', async () => {
    const { log, pump } = start(values(1, 2, 3), 100, 11);
    await turn();
    expect(log).toEqual(['write 1', 'write 2']);
    pump.grant(0, 9);
    await turn();
    expect(log).toHaveLength(2);
    pump.grant(0, 1);
    await turn();
    expect(log).toEqual(['write 1', 'write 2', 'write 3']);
    pump.stop();
  });

  it('looks for the end, too, with credit only', async () => {
    const { log, pump } = start(values(1), 1);
    await turn();
    expect(log).toEqual(['write 1']);
    pump.grant(1, 0);
    await turn();
    expect(log).toEqual(['write 1', 'end', 'settled']);
  });

  it('fails with what the source throws, behind what it gave', async () => {
    const source = values(1);
    const broken: Source = {
      next: () => source.next().then((it) => (it.done ? Promise.reject(new Error('broken')) : it)),
    };
    const { log, rest } = start(broken);
    await rest;
    await turn();
    expect(log).toEqual(['write 1', 'fail Error: broken', 'settled']);
  });

  it('fails with what next() throws at once, or gives in place of a result', async () => {
    const throwing: Source = {
      next: () => {
        throw new Error('at once');
      },
    };
    const senseless = { next: () => Promise.resolve(undefined) } as unknown as Source;
    for (const [source, told] of [
      [throwing, /^fail Error: at once$/],
      [senseless, /^fail TypeError/],
    ] as const) {
      const { log } = start(source);
      await turn();
      expect(log[0]).toMatch(told);
      expect(log.slice(1)).toEqual(['settled']);
    }
  });

  it('lets the source go when an item cannot be written, and its cleanup runs', async () => {
    let cleaned = false;
    async function* source() {
      try {
        yield 1;
        yield 'unwritable';
        yield 3;
      } finally {
        cleaned = true;
      }
    }
    const { log } = start(source());
    await turn();
    expect(log).toEqual(['write 1', 'fail TypeError: unwritable', 'settled']);
    expect(cleaned).toBe(true);
  });

  it('writes nothing after it was stopped, although the source gives another item', async () => {
    let give: (result: IteratorResult<unknown>) => void = () => undefined;
    const source = { next: () => new Promise<IteratorResult<unknown>>((done) => (give = done)) };
    const { log, pump } = start(source);
    pump.stop();
    give({ done: false, value: 'late' });
    await turn();
    expect(log).toEqual(['settled']);
  });

  it('settles only when a source that hangs has come to rest', async () => {
    let wake: () => void = () => undefined;
    async function* hanging() {
      await new Promise<void>((done) => (wake = done));
      yield 'late';
    }
    const { log, pump } = start(hanging());
    pump.stop();
    await turn();
    expect(log).toEqual([]);
    wake();
    await turn();
    expect(log).toEqual(['settled']);
  });

  it('never settles for a source that ignores return(), and says nothing more either', async () => {
    const { log, pump } = start({ next: () => never, return: () => never });
    pump.stop();
    pump.stop();
    await turn();
    expect(log).toEqual([]);
  });

  it('settles with what the cleanup of a stopped source throws', async () => {
    async function* source() {
      try {
        for (;;) yield 1;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
        throw new Error('in cleanup');
      }
    }
    const { log, pump } = start(source(), 1);
    await turn();
    pump.stop();
    await turn();
    expect(log).toEqual(['write 1', 'settled Error: in cleanup']);
  });

  it('settles with what return() throws at once', async () => {
    const { log, pump } = start({
      next: () => never,
      return: () => {
        throw new Error('at once');
      },
    });
    pump.stop();
    await turn();
    expect(log).toEqual(['settled Error: at once']);
  });

  it('tells what a stopped source throws in the pull that was under way', async () => {
    let fail: (error: Error) => void = () => undefined;
    const next = () => new Promise<never>((_, reject) => (fail = reject));
    const { log, pump, rest } = start({ next });
    pump.stop();
    fail(new Error('late'));
    await rest;
    expect(log).toEqual(['settled Error: late']);
  });

  it('ignores grants, room and stops once it is over', async () => {
    const { log, pump, rest } = start(values(1));
    await rest;
    pump.grant(5, 5);
    pump.resume();
    pump.stop();
    await turn();
    expect(log).toEqual(['write 1', 'end', 'settled']);
  });

  it('takes what an iterator gives without a promise', async () => {
    const left = [1, 2];
    const next = () => ({ done: left.length === 0, value: left.shift() });
    const { log, rest } = start({ next } as unknown as Source);
    await rest;
    expect(log).toEqual(['write 1', 'write 2', 'end', 'settled']);
  });

  it('may be stopped before it is run', async () => {
    let pulled = false;
    const { log, pump } = createPump({
      next: async () => {
        pulled = true;
        return { done: true, value: undefined };
      },
    });
    pump.stop();
    pump.run();
    await turn();
    expect(log).toEqual(['settled']);
    expect(pulled).toBe(false);
  });

  it('comes to rest once, wherever it is stopped', async () => {
    for (let point = 0; point < 40; point++) {
      let cleanups = 0;
      async function* source() {
        try {
          for (let i = 0; i < 5; i++) {
            await Promise.resolve();
            yield i;
          }
        } finally {
          await Promise.resolve();
          cleanups++;
        }
      }
      const { log, pump, rest } = start(source());
      for (let i = 0; i < point; i++) await Promise.resolve();
      const written = log.length;
      pump.stop();
      await rest;
      await turn();
      expect(log.filter((entry) => entry.startsWith('settled'))).toEqual(['settled']);
      expect(log.at(-1)).toBe('settled');
      if (!log.includes('end')) expect(log).toHaveLength(written + 1);
      expect(cleanups).toBe(1);
    }
  });
});

type Step =
  | { readonly grant: number; readonly bytes: number }
  | { readonly room: boolean }
  | 'turn'
  | 'stop';

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ grant: fc.nat({ max: 6 }), bytes: fc.nat({ max: 80 }) }) },
  { weight: 2, arbitrary: fc.record({ room: fc.boolean() }) },
  { weight: 6, arbitrary: fc.constant<Step>('turn') },
  { weight: 1, arbitrary: fc.constant<Step>('stop') },
);

const anyCase = fc.record({
  items: fc.nat({ max: 8 }),
  bytes: fc.nat({ max: 80 }),
  count: fc.nat({ max: 20 }),
  /** How many turns of microtasks each pull takes. */
  delays: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 5 }),
  ending: fc.constantFrom('end', 'throw', 'unwritable', 'hang'),
  cleanup: fc.constantFrom('well', 'throws', 'hangs', 'none'),
  steps: fc.array(anyStep, { maxLength: 60 }),
});
type Case = typeof anyCase extends fc.Arbitrary<infer C> ? C : never;

/** A source that checks how it is pulled. */
class Probe implements Source {
  pulls = 0;
  returns = 0;
  #pulling = false;
  readonly #case: Case;
  readonly return?: () => Promise<IteratorResult<unknown>>;

  constructor(given: Case) {
    this.#case = given;
    if (given.cleanup === 'none') return;
    this.return = async () => {
      this.returns++;
      if (given.cleanup === 'throws') throw new Error('in cleanup');
      if (given.cleanup === 'hangs') await never;
      return { done: true, value: undefined };
    };
  }

  async next(): Promise<IteratorResult<unknown>> {
    expect(this.#pulling).toBe(false);
    this.#pulling = true;
    const n = this.pulls++;
    const { delays, count, ending } = this.#case;
    for (let i = delays[n % delays.length] ?? 0; i > 0; i--) await Promise.resolve();
    this.#pulling = false;
    if (n < count) return { done: false, value: n };
    if (ending === 'throw') throw new Error('thrown');
    if (ending === 'hang') await never;
    if (ending === 'unwritable') return { done: false, value: 'unwritable' };
    return { done: true, value: undefined };
  }
}

async function play(given: Case) {
  const probe = new Probe(given);
  const { log, port, pump } = createPump(probe, given.items, given.bytes);
  let granted = given.items;
  let stoppedAt: number | undefined;
  pump.run();
  for (const step of given.steps) {
    if (step === 'turn') await turn();
    else if (step === 'stop') {
      stoppedAt ??= log.length;
      pump.stop();
    } else if ('grant' in step) {
      granted += step.grant;
      pump.grant(step.grant, step.bytes);
    } else {
      port.hasRoom = step.room;
      if (step.room) pump.resume();
    }
    expect(probe.pulls).toBeLessThanOrEqual(granted);
  }
  await turn();
  return { probe, log, pump, port, stoppedAt };
}

describe('Pump, for any interleaving', () => {
  it('writes in order and within the credit, ends once, and writes nothing after a stop', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const { log, stoppedAt, probe } = await play(given);
        const writes = log.filter((entry) => entry.startsWith('write'));
        expect(writes).toEqual(Array.from({ length: writes.length }, (_, i) => `write ${i}`));
        expect(log.slice(0, writes.length)).toEqual(writes);
        const rest = log.slice(writes.length);
        if (stoppedAt !== undefined) {
          expect(log.slice(stoppedAt).filter((entry) => !entry.startsWith('settled'))).toEqual([]);
        }
        const ends = rest.filter((entry) => entry === 'end' || entry.startsWith('fail'));
        expect(ends.length).toBeLessThanOrEqual(1);
        expect(rest.length - ends.length).toBeLessThanOrEqual(1);
        expect(probe.returns).toBeLessThanOrEqual(1);
        if (rest[0] === 'end') expect(probe.returns).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('loses nothing, and comes to rest once, when credit and room suffice', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const steps = given.steps.filter((step) => step !== 'stop');
        const { log, pump, port } = await play({ ...given, steps });
        port.hasRoom = true;
        pump.grant(1_000, 1_000_000);
        await turn();
        const writes = Array.from({ length: given.count }, (_, i) => `write ${i}`);
        const ending = {
          end: ['end'],
          throw: ['fail Error: thrown'],
          unwritable: ['fail TypeError: unwritable'],
          hang: [],
        }[given.ending];
        const error = given.cleanup === 'throws' ? 'settled Error: in cleanup' : 'settled';
        const rests = given.ending === 'end' || given.cleanup !== 'hangs';
        const settled = given.ending === 'end' ? 'settled' : error;
        const settles = given.ending !== 'hang' && rests;
        expect(log).toEqual([...writes, ...(ending ?? []), ...(settles ? [settled] : [])]);
        pump.stop();
        await turn();
        expect(log.filter((entry) => entry.startsWith('settled'))).toHaveLength(rests ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });
});
