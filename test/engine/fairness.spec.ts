import { afterEach, describe, expect, it } from 'vitest';
import { createClient } from '../../lib/client/create-client.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { createMemoryConnect } from '../../lib/testing/memory-connect.js';
import { createEngine, type Engine, type EngineClient, turns, until } from './engine.js';

/** As many items as a connection may send in a turn of the event loop, and a few turns. */
const FEW_TURNS = 6 * 4096;

let engine: Engine<typeof handlers>;
let made = 0;
let taken = 0;
let stop = false;

const handlers = {
  async *hot() {
    while (!stop) yield made++;
  },
  async sink(_call: ServerCall, input: AsyncIterable<unknown>) {
    for await (const _ of input) taken++;
  },
  async *echo(_call: ServerCall, input: AsyncIterable<unknown>) {
    yield* input;
  },
  ready: () => 'ready',
};

afterEach(() => engine.close());

function start(codec: CodecName): EngineClient<typeof handlers>['test'] {
  made = 0;
  taken = 0;
  stop = false;
  engine = createEngine(handlers, { codec });
  return engine.client.test;
}

/** A client with a connection of its own. */
function another(codec: CodecName): EngineClient<typeof handlers> {
  const connect = createMemoryConnect(engine.server);
  return createClient({ codec }, connect) as unknown as EngineClient<typeof handlers>;
}

/** How many items others made from the sending of an item to its echo; the most of several. */
async function waitOf(echo: ReturnType<typeof start>['echo']): Promise<number> {
  const input = new StreamController<number>();
  const output = echo(input)[Symbol.asyncIterator]();
  const waits: number[] = [];
  for (let i = 0; i < 20; i++) {
    const before = made;
    void input.add(i);
    expect((await output.next()).value).toBe(i);
    waits.push(made - before);

    await turns(3);
  }
  input.close();
  await output.next();
  return Math.max(...waits);
}

describe.each<CodecName>(['json', 'msgpack'])(
  'A call beside others that flood, over %s',
  (codec) => {
    it('is served within a few turns of 100 endless streams, here and on another connection', async () => {
      const test = start(codec);
      const reading = Array.from({ length: 100 }, async () => {
        for await (const _ of test.hot());
      });
      await until(() => made > 100_000);
      expect(await waitOf(test.echo)).toBeLessThan(FEW_TURNS);
      const other = another(codec);
      await other.test.ready();
      expect(await waitOf(other.test.echo)).toBeLessThan(FEW_TURNS);
      stop = true;
      await Promise.all(reading);
      await other.close();
    });

    it('is served within a few turns of 100 endless inputs', async () => {
      const test = start(codec);
      async function* flood() {
        while (!stop) yield made++;
      }
      const sinking = Array.from({ length: 100 }, () => test.sink(flood()));
      await until(() => taken > 100_000);
      expect(await waitOf(test.echo)).toBeLessThan(FEW_TURNS);
      stop = true;
      await Promise.all(sinking);
      expect(taken).toBe(made);
    });
  },
);
