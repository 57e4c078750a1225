import { afterEach, describe, expect, it } from 'vitest';
import { Serializable } from '../../lib/model/registry.js';
import type { ServerCall } from '../../lib/server/call.js';
import { collect, createEngine, type Engine, failure, readToFailure } from '../engine/engine.js';

@Serializable()
class Order {
  constructor(
    readonly item: string,
    readonly count: number,
  ) {}
}

@Serializable()
class Copied {
  readonly item: string;
  constructor(from: Order) {
    this.item = from.item;
  }
}

const handlers = {
  echo: (_call: ServerCall, value: unknown) => value,
  echoes: async function* (_call: ServerCall, input: AsyncIterable<unknown>) {
    yield* input;
  },
  items: async function* () {
    yield 1;
    yield new Order('tea', 2);
  },
  copy: () => new Copied(new Order('tea', 2)),
};

let engine: Engine<typeof handlers>;

afterEach(() => engine.close());

describe.each(['json', 'msgpack'] as const)('A class that crosses, over %s,', (codec) => {
  const all = [Order, Copied];

  function start(known: typeof all): Engine<typeof handlers>['client']['test'] {
    engine = createEngine(handlers, { codec, models: all, client: { models: known } });
    return engine.client.test;
  }

  it('may have a constructor with parameters', async () => {
    const test = start(all);
    expect(await test.echo(new Order('tea', 2))).toStrictEqual(new Order('tea', 2));
    expect(await collect(test.items())).toStrictEqual([1, new Order('tea', 2)]);
  });

  it('costs its call when its constructor fails for want of them', async () => {
    const test = start(all);
    const error = await failure(test.copy());
    expect(error).toMatchObject({ code: 'invalid-argument', message: 'Copied: was refused' });
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it('and is missing in the client’s models, is named when it is passed', async () => {
    const test = start([]);
    const message =
      "Order is not registered, so its instances can't be sent: add it to the client's `models`.";
    const passed = [new Order('tea', 2)];
    expect(await failure(test.echo(passed))).toMatchObject({ code: 'invalid-argument', message });
  });

  it('and is missing there, is named when it is an item of an input', async () => {
    const test = start([]);
    async function* orders() {
      yield 1;
      yield new Order('tea', 2);
    }
    const { items, error } = await readToFailure(test.echoes(orders()));
    expect(items).toEqual([1]);
    expect(error).toMatchObject({
      code: 'internal',
      message:
        "The client failed to give this input: Order is not registered, so its instances can't be sent: add it to the client's `models`.",
    });
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it('and is missing there, is named when it arrives', async () => {
    const test = start([]);
    const { items, error } = await readToFailure(test.items());
    expect(items).toEqual([1]);
    expect(error).toMatchObject({
      code: 'invalid-argument',
      message: 'The type "Order" is not registered on this side: add it to the client\'s `models`.',
    });
  });
});
