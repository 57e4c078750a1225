import { afterEach, describe, expect, it } from 'vitest';
import { Serializable } from '../../lib/model/registry.js';
import { StreamingException } from '../../lib/model/streaming-exception.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import {
  createEngine,
  type Engine,
  failure,
  type Handler,
  type Method,
  readToFailure,
} from './engine.js';

@Serializable()
class ShopException extends StreamingException {
  since = new Date(0);
}

@Serializable()
class OutOfStock extends ShopException {
  readonly product: string;

  constructor(product = '') {
    super(`There is no ${product} left.`, 'resource-exhausted');
    this.product = product;
  }
}

class Unregistered extends StreamingException {
  readonly secret = 'field';
}

const MODELS = [ShopException, OutOfStock];

let engine: Engine;

afterEach(() => engine.close());

describe.each<CodecName>(['json', 'msgpack'])('A StreamingException over %s', (codec) => {
  function start(buy: Handler, known = MODELS): Method {
    const started = createEngine({ buy }, { codec, models: MODELS, client: { models: known } });
    engine = started;
    return started.client.test.buy;
  }

  function expectOutOfStock(error: unknown): void {
    expect(error).toBeInstanceOf(OutOfStock);
    expect(error).toBeInstanceOf(ShopException);
    expect(error).toBeInstanceOf(StreamError);
    expect(error).toMatchObject({
      code: 'resource-exhausted',
      message: 'There is no tea left.',
      product: 'tea',
      since: new Date(0),
    });
  }

  it('is caught as itself, with its fields, from a promise method', async () => {
    const buy = start(async () => {
      throw new OutOfStock('tea');
    });
    expectOutOfStock(await failure(buy()));
  });

  it('is caught as itself from a method that throws before it gives a stream', async () => {
    const buy = start(() => {
      throw new OutOfStock('tea');
    });
    expectOutOfStock(await failure(buy()));
  });

  it('is caught as itself behind the items that were sent before it, and nothing follows', async () => {
    const buy = start(async function* () {
      yield 1;
      yield 2;
      throw new OutOfStock('tea');
    });
    const { items, error } = await readToFailure(buy());
    expect(items).toEqual([1, 2]);
    expectOutOfStock(error);
  });

  it('is caught as itself when it is the first event of a stream', async () => {
    // biome-ignore lint/correctness/useYield: the error comes first
    const buy = start(async function* () {
      throw new OutOfStock('tea');
    });
    expectOutOfStock((await readToFailure(buy())).error);
  });

  it("is thrown in the handler's loop when the client adds it to an input", async () => {
    let caught: unknown;
    const buy = start(async (_: ServerCall, input: AsyncIterable<unknown>) => {
      try {
        for await (const _item of input);
      } catch (error) {
        caught = error;
      }
    });
    const input = new StreamController();
    input.addError(new OutOfStock('tea'));
    await buy(input);
    expectOutOfStock(caught);
  });

  it('keeps its code and message when the client does not know its class', async () => {
    const buy = start(() => {
      throw new OutOfStock('tea');
    }, []);
    const error = await failure(buy());
    expect(error).not.toBeInstanceOf(OutOfStock);
    expect(error).toMatchObject({ code: 'resource-exhausted', message: 'There is no tea left.' });
  });

  it('arrives as a StreamError without its fields when it is not registered, and the log is told', async () => {
    const buy = start(() => {
      throw new Unregistered('Told.', 'unavailable');
    });
    const error = await failure(buy());
    expect(error).toMatchObject({ code: 'unavailable', message: 'Told.' });
    expect(error).not.toHaveProperty('secret');
    expect(engine.late).toEqual([
      expect.objectContaining({ message: expect.stringContaining('Unregistered') }),
    ]);
  });

  it('keeps its cause, which a handler assigned, on its own side', async () => {
    const buy = start(() => {
      const thrown = new OutOfStock('tea');
      thrown.cause = new Error('the secret cause');
      throw thrown;
    });
    const error = await failure(buy());
    expect(error).toBeInstanceOf(OutOfStock);
    expect(error.cause).toBeUndefined();
  });

  it('crosses although it is frozen', async () => {
    const buy = start(() => {
      throw Object.freeze(new OutOfStock('tea'));
    });
    expectOutOfStock(await failure(buy()));
  });
});

describe('A StreamError', () => {
  it('crosses without its data when that can not be sent', async () => {
    engine = createEngine({
      fail: () => {
        throw new StreamError('not-found', 'Nowhere.', { data: { f: () => 1 } });
      },
    });
    const { client } = engine as Engine<{ fail: unknown }>;
    expect(await failure(client.test.fail())).toMatchObject({
      code: 'not-found',
      message: 'Nowhere.',
    });
  });
});
