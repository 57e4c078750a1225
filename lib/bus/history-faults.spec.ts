import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineChannel } from './define-channel.js';
import { MessageBus } from './message-bus.js';
import { Relay, RelayDriver } from './spec/relay-driver.js';
import type { HistorySince, Subscription } from './subscription.js';

type Fault =
  | 'interrupt'
  | 'resume'
  | 'replicate'
  | 'failover'
  | 'flush'
  | 'leave'
  | 'come back'
  | 'come from the start';
type Step = { readonly publish: number } | { readonly fault: Fault } | { readonly read: number };

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ publish: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 2, arbitrary: fc.record({ read: fc.integer({ min: 1, max: 12 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        fault: fc.constantFrom<Fault>(
          'interrupt',
          'resume',
          'replicate',
          'failover',
          'flush',
          'leave',
          'come back',
          'come from the start',
        ),
      }),
    },
  ),
  { minLength: 1, maxLength: 40 },
);

/** Stands among what was seen where a reader began without a position. */
const ANEW = 'anew';

function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    if (count === 0) resolve();
    else setImmediate(() => turns(count - 1).then(resolve));
  });
}

/** One reader of the channel on a server of its own, who leaves and comes back; `seen` goes on. */
class Reader {
  readonly seen: (number | string)[] = [];
  readonly driver: RelayDriver;
  readonly bus: MessageBus;
  readonly #capacity: number;
  #subscription: Subscription<number> | undefined;
  #position: string | undefined;
  #taking: Promise<IteratorResult<number, undefined>> | undefined;

  constructor(relay: Relay, capacity: number) {
    this.driver = new RelayDriver(relay);
    this.bus = new MessageBus({ driver: this.driver });
    this.#capacity = capacity;
  }

  come(channel: ReturnType<typeof createChannel>, since?: HistorySince): void {
    if (this.#subscription !== undefined) return;
    if ((since ?? this.#position) === undefined || since === 'start') this.seen.push(ANEW);
    this.#subscription = this.bus.subscribe(channel, {
      since: since ?? this.#position,
      capacity: this.#capacity,
      onGap: ({ reason }) => this.seen.push(reason),
    });
  }

  async leave(): Promise<void> {
    this.#position = this.#subscription?.position ?? this.#position;
    this.#subscription?.cancel();
    this.#subscription = undefined;
    // A reader that waited may have been given something just before.
    const taken = await this.#taking;
    if (taken?.done === false) this.seen.push(taken.value);
    this.#taking = undefined;
  }

  /** Takes what can be had, at most so many. */
  async read(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const subscription = this.#subscription;
      if (subscription === undefined) return;
      this.#taking ??= subscription.next();
      const taken = await Promise.race([this.#taking, turns(20)]);
      if (taken === undefined || taken.done === true) return;
      this.#taking = undefined;
      this.seen.push(taken.value);
    }
  }
}

function createChannel(size: number) {
  return defineChannel<number>('a', { history: { size, ttlMs: 1_000_000 } });
}

/** What was published between two messages that were seen, and isn't told. */
function silentHoles(seen: readonly (number | string)[]): string[] {
  const holes: string[] = [];
  let last = Number.NaN;
  let isTold = false;
  for (const it of seen) {
    if (it === ANEW) last = Number.NaN;
    else if (typeof it === 'string') isTold = true;
    else {
      if (it <= last) holes.push(`${it} after ${last}`);
      if (it > last + 1 && !isTold) holes.push(`${last} to ${it}`);
      last = it;
      isTold = false;
    }
  }
  return holes;
}

async function run(size: number, capacity: number, script: readonly Step[]) {
  const relay = new Relay();
  const channel = createChannel(size);
  const publisher = new MessageBus({ driver: new RelayDriver(relay) });
  const reader = new Reader(relay, capacity);
  let published = 0;
  const faults: Record<Fault, () => void | Promise<void>> = {
    interrupt: () => reader.driver.history.interrupt(),
    resume: () => reader.driver.history.resume(),
    replicate: () => relay.histories.replicate(),
    failover: () => relay.histories.failOver(),
    flush: () => relay.histories.flush(),
    leave: () => reader.leave(),
    'come back': () => reader.come(channel),
    'come from the start': () => reader.come(channel, 'start'),
  };
  reader.come(channel);
  await turns(10);
  for (const step of script) {
    if ('fault' in step) {
      await faults[step.fault]();
      if (step.fault.startsWith('come')) await turns(10);
    } else if ('read' in step) await reader.read(step.read);
    else
      for (let n = 0; n < step.publish; n += 1) {
        published += 1;
        await publisher.publish(channel, published);
      }
  }
  reader.come(channel);
  reader.driver.history.resume();
  await turns(20);
  // The first may be let go with a gap, as one more fault shows; the second has to come.
  for (const extra of [1, 2]) {
    await publisher.publish(channel, published + extra);
    for (let n = 0; n < 3 || (extra === 2 && n < 1000); n += 1) {
      await reader.read(1000);
      if (reader.seen.at(-1) === published + 2) break;
    }
  }
  await Promise.all([publisher.close(), reader.bus.close()]);
  expect(reader.seen.at(-1)).toBe(published + 2);
  return reader.seen;
}

describe('A channel with history, whatever happens to it', () => {
  it('leaves no hole untold, gives nothing twice and nothing out of order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 3, 10, 1000),
        fc.constantFrom(1, 2, 5, 1000),
        steps,
        async (size, capacity, script) => {
          expect(silentHoles(await run(size, capacity, script))).toEqual([]);
        },
      ),
      { numRuns: 2000 },
    );
  }, 60_000);
});
