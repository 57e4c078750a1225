import { Controller } from '@nestjs/common';
import { Exclude } from 'class-transformer';
import { describe, expect, it } from 'vitest';
import { StreamController } from '../../lib/client/index.js';
import {
  Serializable,
  StreamError,
  StreamingException,
  StreamingMethod,
  type WireErrorCode,
} from '../../lib/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { collect, failure, startApp, until } from './app.js';
import { allowNothingUnhandled } from './unhandled.js';

const SECRET = 'secret words';
const CODECS: CodecName[] = ['json', 'msgpack'];

allowNothingUnhandled();

@Serializable('ThrownBox')
class BoxException extends StreamingException {
  content: unknown;

  @Exclude()
  hidden: unknown = SECRET;

  constructor(content?: unknown, code: WireErrorCode = 'unavailable') {
    super('The box is closed.', code);
    this.content = content;
  }
}

/** Its code is computed, as the property of any class may be. */
@Serializable('ThrownComputed')
class ComputedException extends StreamingException {
  shelf = '';

  constructor(shelf = '') {
    super('Computed.');
    this.shelf = shelf;
    Object.defineProperty(this, 'code', { get: () => 'not-found', configurable: true });
  }
}

@Exclude()
@Serializable('ThrownFrozen')
class FrozenException extends StreamingException {
  constructor() {
    super('Cold.', 'not-found');
    Object.freeze(this);
  }
}

const MODELS = [BoxException, ComputedException, FrozenException];

const CONTENTS: Readonly<Record<string, () => unknown>> = {
  'a symbol': () => Symbol(SECRET),
  'a cycle': () => {
    const cycle: unknown[] = [];
    cycle.push([cycle]);
    return cycle;
  },
  'a getter that throws': () =>
    Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error(SECRET);
      },
    }),
  'a list with a symbol': () => [Symbol(SECRET)],
};

@Controller()
class ExceptionsController {
  @StreamingMethod()
  async *box(content: string) {
    yield 1;
    throw new BoxException(CONTENTS[content]?.() ?? content);
  }

  @StreamingMethod()
  boxed(content: string) {
    throw new BoxException(CONTENTS[content]?.() ?? content);
  }

  @StreamingMethod()
  data(content: string) {
    throw new StreamError('unavailable', 'Closed.', { data: CONTENTS[content]?.() });
  }

  @StreamingMethod()
  huge(): never {
    throw new StreamError('unavailable', 'Large.', { data: 'x'.repeat(3_000_000) });
  }

  @StreamingMethod()
  computed(): never {
    throw new ComputedException('low');
  }

  @StreamingMethod()
  frozen(): never {
    throw new FrozenException();
  }

  @StreamingMethod()
  async caught(input: AsyncIterable<unknown>) {
    try {
      for await (const _ of input);
    } catch (error) {
      const { code, message, id } = error as StreamError;
      return [(error as object).constructor.name, code, message, id];
    }
    return 'nothing was thrown';
  }

  @StreamingMethod()
  async *rethrown(input: AsyncIterable<unknown>) {
    yield* input;
  }

  @StreamingMethod()
  ready() {
    return 'ready';
  }
}

async function start(codec: CodecName) {
  const running = await startApp({ controllers: [ExceptionsController] });
  const client = running.connect<{ exceptions: ExceptionsController }>({
    codec,
    models: MODELS,
  });
  return { ...running, exceptions: client.exceptions };
}

describe.each(CODECS)('An exception of the user over %s', (codec) => {
  it.each(Object.keys(CONTENTS))(
    'crosses without its fields when one can not be sent, and the log says why: %s',
    async (content) => {
      const { log, exceptions } = await start(codec);
      for (const way of ['box', 'boxed'] as const) {
        const error = await failure(exceptions[way](content));
        expect(error).toMatchObject({ code: 'unavailable', message: 'The box is closed.' });
        expect(error).toBeInstanceOf(StreamError);
        expect(error).not.toHaveProperty('content');
      }
      expect(log.find('error', 'exceptions.box')).toHaveLength(2);
      expect(await failure(exceptions.data(content))).toMatchObject({
        code: 'unavailable',
        message: 'Closed.',
        data: undefined,
      });
      expect(await exceptions.ready()).toBe('ready');
    },
  );

  it('that can not be filled in arrives with its code and message, both ways', async () => {
    const { exceptions } = await start(codec);
    for (const [name, error] of [
      ['frozen', new FrozenException()],
      ['computed', new ComputedException('low')],
    ] as const) {
      const { code, message } = error;
      expect(await failure(exceptions[name]() as never)).toMatchObject({ code, message });
      const input = new StreamController<number>();
      input.addError(error);
      expect(await exceptions.caught(input)).toEqual(['StreamError', code, message, undefined]);
    }
    expect(await exceptions.ready()).toBe('ready');
  });

  it('may be larger than a message to the server may be', async () => {
    const { exceptions } = await start(codec);
    expect((await failure(exceptions.huge() as never)).data).toHaveLength(3_000_000);
  });
});

describe.each(CODECS)('An argument that throws when it is looked at, over %s', (codec) => {
  const refuse = (): never => {
    throw Object.create(null);
  };

  it.each([
    ['a proxy', new Proxy({}, { get: refuse, getPrototypeOf: refuse, ownKeys: refuse })],
    ['a getter of what a promise has', Object.defineProperty({}, 'then', { get: refuse })],
    ['a getter', Object.defineProperty({}, 'x', { enumerable: true, get: refuse })],
  ])('fails its call through what the method returned: %s', async (_, argument) => {
    const { exceptions } = await start(codec);
    const ready = exceptions.ready as (argument?: unknown) => Promise<unknown>;
    const sibling = exceptions.caught(of());
    expect(await failure(ready(argument))).toMatchObject({ code: 'invalid-argument' });
    expect(await sibling).toBe('nothing was thrown');
    expect(await failure(ready({ deep: [argument] }))).toMatchObject({ code: 'invalid-argument' });
    expect(await ready()).toBe('ready');
  });
});

describe.each(CODECS)('What the source of an input throws at the client, over %s', (codec) => {
  const veil = (error: object, property: string) =>
    Object.defineProperty(error, property, {
      get: () => {
        throw new Error(SECRET);
      },
    });
  const cases: [string, unknown][] = [
    ['an error', new Error(SECRET)],
    ['a text', SECRET],
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['a symbol', Symbol(SECRET)],
    ['a function', () => SECRET],
    ['a frozen error', Object.freeze(new Error(SECRET))],
    ['an error whose message throws', veil(new Error(SECRET), 'message')],
    ['an error whose code throws', veil(new Error(SECRET), 'code')],
    ['a StreamError whose message throws', veil(new StreamError('not-found', SECRET), 'message')],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          get: () => veil({}, 'x'),
          getPrototypeOf: () => {
            throw new Error(SECRET);
          },
        },
      ),
    ],
    ['a StreamError of a client', new StreamError('connection-lost', SECRET)],
    ['an error with too much to say', new StreamError('not-found', SECRET.repeat(200_000))],
  ];

  it.each(cases)('reaches the handler in general words: %s', async (_, thrown) => {
    const { log, exceptions } = await start(codec);
    const input = () => {
      const controller = new StreamController<unknown>();
      controller.addError(thrown);
      return controller;
    };
    expect(await exceptions.caught(input())).toEqual([
      'StreamError',
      'internal',
      'The client failed to give this input.',
      undefined,
    ]);
    const error = await failure(exceptions.rethrown(input()));
    expect(error).toMatchObject({ code: 'internal', id: undefined });
    expect(error.cause).toBe(thrown);
    expect(await exceptions.ready()).toBe('ready');
    // A client's failure is none of the server's: it could fill the log.
    expect(log.find('error', '')).toEqual([]);
  });

  it('reaches the handler as itself when it is an exception it may know', async () => {
    const { log, exceptions } = await start(codec);
    for (const [error, name] of [
      [new BoxException('tea'), 'BoxException'],
      [new BoxException(() => 1), 'StreamError'],
    ] as const) {
      const input = new StreamController<unknown>();
      input.addError(error);
      expect(await exceptions.caught(input)).toContain(name);
    }
    const input = new StreamController<unknown>();
    input.addError(new BoxException('tea', 'internal'));
    expect(await failure(exceptions.rethrown(input))).toBeInstanceOf(BoxException);
    expect(log.find('error', '')).toEqual([]);
  });

  it('disturbs nothing when it comes from the function that hears of the cancel', async () => {
    const { server, exceptions } = await start(codec);
    const input = new StreamController<number>({
      onCancel: () => {
        throw new Error(SECRET);
      },
    });
    const stream = exceptions.rethrown(input);
    const output = stream[Symbol.asyncIterator]();
    void input.add(1);
    expect((await output.next()).value).toBe(1);
    stream.cancel();
    await until(() => server.callCount === 0);
    expect(await collect(exceptions.rethrown(of(1, 2)))).toEqual([1, 2]);
  });
});

async function* of<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
