import { Controller } from '@nestjs/common';
import { Observable, range, type Subscriber } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamController } from '../../lib/client/index.js';
import {
  MessageBus,
  type Overflow,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { createEngine, type Engine } from '../engine/engine.js';
import { failure, startApp, until } from './app.js';

const CODECS: CodecName[] = ['json', 'msgpack'];
const OVERFLOWS: Overflow[] = ['error', 'dropOldest', 'dropNewest', 'latest'];
/** How many items may be under way to the client, and how many may wait for it. */
const WINDOW = 4;
const MADE = 50;

let subscriber: Subscriber<number> | undefined;
let session: StreamingSession;
let produced = 0;

function observed(own: StreamingSession): Observable<number> {
  session = own;
  return new Observable((it) => {
    subscriber = it;
  });
}

@Controller()
class KindsController {
  @StreamingMethod({ overflow: 'error' })
  error(@StreamSession() own: StreamingSession) {
    return observed(own);
  }

  @StreamingMethod({ overflow: 'dropOldest' })
  async dropOldest(@StreamSession() own: StreamingSession) {
    return observed(own);
  }

  @StreamingMethod({ overflow: 'dropNewest' })
  dropNewest(@StreamSession() own: StreamingSession) {
    return observed(own);
  }

  @StreamingMethod({ overflow: 'latest' })
  latest(@StreamSession() own: StreamingSession) {
    return observed(own);
  }

  @StreamingMethod()
  async *messages(overflow: Overflow, @StreamSession() own: StreamingSession) {
    session = own;
    yield* own.messages.subscribe<number>('kinds', { overflow, capacity: WINDOW });
  }

  @StreamingMethod()
  async *generated() {
    for (;;) yield produced++;
  }

  @StreamingMethod()
  async read(input: AsyncIterable<number>) {
    await new Promise<void>((resolve) => {
      startReading = resolve;
    });
    const read: number[] = [];
    try {
      for await (const item of input) read.push(item);
    } catch (error) {
      return [read, (error as { code?: unknown }).code];
    }
    return [read, 'ended'];
  }
}

let startReading: (() => void) | undefined;

function waitAgain(): void {
  startReading = undefined;
}

async function start(codec: CodecName) {
  subscriber = undefined;
  produced = 0;
  waitAgain();
  const limits = { windowItems: WINDOW };
  const running = await startApp({ controllers: [KindsController], options: { limits } });
  const client = running.connect<{ kinds: KindsController }>({ codec, limits });
  return { ...running, kinds: client.kinds };
}

/** Reads all there is, slowly; tells the items, and the code of the error behind them. */
async function readAll(output: AsyncIterator<unknown>): Promise<[unknown[], unknown]> {
  const items: unknown[] = [];
  try {
    for (let it = await output.next(); it.done !== true; it = await output.next())
      items.push(it.value);
  } catch (error) {
    return [items, (error as { code?: unknown }).code];
  }
  return [items, 'ended'];
}

/** What becomes of items 0 to 49 when the first four are under way and four more may wait. */
function expectKept(overflow: Overflow, items: unknown[], end: unknown): void {
  const numbers = items as number[];
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers.length).toBeLessThanOrEqual(3 * WINDOW);
  expect(end).toBe(overflow === 'error' ? 'slow-consumer' : 'ended');
  const isNewest = overflow === 'dropOldest' || overflow === 'latest';
  expect(numbers.at(-1) === MADE - 1).toBe(isNewest);
  const inARow = numbers.every((n, i) => n === i);
  expect(inARow).toBe(!isNewest);
}

describe.each(CODECS)('What can not be paused, over %s', (codec) => {
  it.each(OVERFLOWS)('is held to overflow %s as an output, and counted', async (overflow) => {
    const { kinds } = await start(codec);
    const output = (kinds[overflow]() as AsyncIterable<number>)[Symbol.asyncIterator]();
    await until(() => subscriber !== undefined);
    for (let i = 0; i < MADE; i++) {
      subscriber?.next(i);
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    subscriber?.complete();
    const [items, end] = await readAll(output);
    expectKept(overflow, items, end);
    if (overflow === 'error') expect(session.dropped).toBe(1);
    else expect(session.dropped).toBe(MADE - items.length);
  });

  it.each(OVERFLOWS)('is held to overflow %s as a subscription, and counted', async (overflow) => {
    const { app, kinds } = await start(codec);
    const bus = app.get(MessageBus);
    const stream = kinds.messages(overflow);
    const output = stream[Symbol.asyncIterator]();
    await until(() => bus.subscriberCount('kinds') === 1);
    for (let i = 0; i < MADE; i++) {
      await bus.publish('kinds', i);
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const last = overflow === 'dropOldest' || overflow === 'latest' ? MADE - 1 : 0;
    const read: unknown[] = [];
    // A subscription doesn't end by itself: all is read when the error or the last one came.
    const reading = (async () => {
      for (let it = await output.next(); it.done !== true; it = await output.next()) {
        read.push(it.value);
        if (it.value === last && last > 0) break;
      }
    })();
    if (overflow === 'error') expect((await failure(reading)).code).toBe('slow-consumer');
    else if (overflow === 'dropNewest') await until(() => read.length + session.dropped === MADE);
    else await reading;
    expectKept(overflow, read, overflow === 'error' ? 'slow-consumer' : 'ended');
    if (overflow === 'error') expect(session.dropped).toBe(1);
    else expect(session.dropped).toBe(MADE - read.length);
    stream.cancel();
    await until(() => bus.subscriberCount('kinds') === 0);
  });

  it('ends an input with slow-consumer behind what fits, where nobody reads it', async () => {
    const { kinds } = await start(codec);
    const result = kinds.read(range(0, 10_000));
    await until(() => startReading !== undefined);
    startReading?.();
    const [items, end] = (await result) as [number[], unknown];
    expect(end).toBe('slow-consumer');
    expect(items).toEqual(Array.from({ length: items.length }, (_, i) => i));
    expect(items.length).toBeLessThan(3 * WINDOW);
  });
});

describe.each(CODECS)('What can be paused, over %s', (codec) => {
  it('is not pulled past the credit as an output, and goes on with the reader', async () => {
    const { kinds } = await start(codec);
    const output = kinds.generated()[Symbol.asyncIterator]();
    await output.next();
    await until(() => produced >= WINDOW);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // One was read, which is too little to give credit for.
    expect(produced).toBe(WINDOW);
    for (let i = 1; i < 100; i++) expect((await output.next()).value).toBe(i);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(produced).toBeLessThanOrEqual(100 + WINDOW);
    await output.return?.();
  });

  it('is not pulled past the credit as an input, and a controller tells who adds to wait', async () => {
    const { kinds } = await start(codec);
    let given = 0;
    const source = async function* () {
      while (given < 200) yield given++;
    };
    const generated = kinds.read(source());
    await until(() => given === WINDOW && startReading !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(given).toBe(WINDOW);
    startReading?.();
    expect(await generated).toEqual([Array.from({ length: 200 }, (_, i) => i), 'ended']);

    let added = 0;
    const input = new StreamController<number>({ highWaterMark: 8 });
    waitAgain();
    const controlled = kinds.read(input);
    const adding = (async () => {
      for (; added < 200; added++) await input.add(added);
      input.close();
    })();
    await until(() => added >= WINDOW + 7 && startReading !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(added).toBe(WINDOW + 7);
    startReading?.();
    await adding;
    expect(await controlled).toEqual([Array.from({ length: 200 }, (_, i) => i), 'ended']);
  });
});

describe('What an overflow costs', () => {
  let engine: Engine | undefined;
  afterEach(() => engine?.close());

  it('is told to the hooks, item by item, with its call', async () => {
    const dropped: string[] = [];
    const started = createEngine(
      { many: () => range(0, 1000) },
      { hooks: { itemDropped: (call) => dropped.push(`${call.method.name} ${call.dropped}`) } },
    );
    engine = started;
    expect((await failure(started.client.test.many())).code).toBe('slow-consumer');
    expect(dropped).toEqual(['test.many 1']);
  });
});
