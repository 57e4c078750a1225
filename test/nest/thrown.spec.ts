import { BadRequestException, Controller, HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { StreamError, StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { failure, startApp, until } from './app.js';
import { allowNothingUnhandled } from './unhandled.js';

const SECRET = 'secret words';

allowNothingUnhandled();

/** Gives an error a property that can't be looked at. */
function veiled<E extends object>(error: E, property: string): E {
  const get = (): never => {
    throw new Error(`${SECRET} of a getter`);
  };
  return Object.defineProperty(error, property, { get, configurable: true });
}

function trapped(target: object): object {
  const refuse = (): never => {
    throw new Error(`${SECRET} of a trap`);
  };
  return new Proxy(target, { get: refuse, getPrototypeOf: refuse, has: refuse, ownKeys: refuse });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function cyclic(): Error {
  const error: Error = new Error(SECRET);
  error.cause = { error };
  return error;
}

class Unprintable extends Error {
  override toString(): string {
    throw new Error(SECRET);
  }
}

/** What a handler might throw that is an accident: not a word of it may leave. */
const ACCIDENTS: Readonly<Record<string, () => unknown>> = {
  'an error': () => new TypeError(SECRET),
  'a text': () => SECRET,
  null: () => null,
  undefined: () => undefined,
  'a number': () => 7,
  'a bigint': () => 7n,
  'a symbol': () => Symbol(SECRET),
  'a function': () => () => SECRET,
  'a plain object': () => ({ code: 'not-found', message: SECRET }),
  'an object without a prototype': () => Object.create(null),
  'a frozen error': () => Object.freeze(new Error(SECRET)),
  'a cyclic error': cyclic,
  'an error whose toString throws': () => new Unprintable(SECRET),
  'an error whose message throws': () => veiled(new Error(), 'message'),
  'an error whose stack throws': () => veiled(new Error(SECRET), 'stack'),
  'an error whose name throws': () => veiled(new Error(SECRET), 'name'),
  'an error whose code throws': () => veiled(new Error(SECRET), 'code'),
  'an error whose cause throws': () => veiled(new Error(SECRET), 'cause'),
  'an error whose constructor throws': () => veiled(new Error(SECRET), 'constructor'),
  'a proxy that throws': () => trapped({}),
  'a proxy of an error that throws': () => trapped(new Error(SECRET)),
  'a revoked proxy': revoked,
  'an error with megabytes': () => Object.assign(new Error(SECRET), { dump: 'x'.repeat(3e6) }),
  'a StreamError whose code throws': () => veiled(new StreamError('not-found', SECRET), 'code'),
  'a StreamError whose message throws': () =>
    veiled(new StreamError('not-found', SECRET), 'message'),
  'a StreamError whose message is no text': () =>
    Object.assign(new StreamError('not-found', ''), { message: [SECRET] }),
  'a StreamError whose message is an odd object': () =>
    Object.assign(new StreamError('not-found', SECRET), { message: Object.create(null) }),
  'a StreamError of an unknown code': () => new StreamError('secret-code' as 'internal', SECRET),
  'an HttpException whose body throws': () =>
    Object.assign(new BadRequestException(SECRET), { getResponse: () => trapped({}) }),
  'an HttpException whose status throws': () =>
    Object.assign(new BadRequestException(SECRET), {
      getStatus: () => {
        throw new Error(SECRET);
      },
    }),
  'a WsException whose error throws': () =>
    Object.assign(new WsException(SECRET), { getError: () => trapped({}) }),
};

/** Made by hand, and odd: what can be told of it is told. */
const ODDITIES: Readonly<Record<string, [error: () => unknown, told: object]>> = {
  'a frozen StreamError': [
    () => Object.freeze(new StreamError('not-found', 'Gone.')),
    { code: 'not-found', message: 'Gone.' },
  ],
  'a StreamError whose data throw': [
    () => veiled(new StreamError('not-found', 'Gone.'), 'data'),
    { code: 'not-found', message: 'Gone.' },
  ],
  'a StreamError whose id is no text': [
    () => Object.assign(new StreamError('not-found', 'Gone.'), { id: 7n }),
    { code: 'not-found', message: 'Gone.' },
  ],
  'a StreamError with a function as data': [
    () => new StreamError('not-found', 'Gone.', { data: () => 1 }),
    { code: 'not-found', message: 'Gone.' },
  ],
  'an HttpException with a cyclic body': [
    () => {
      const body: Record<string, unknown> = { message: 'Gone.' };
      body['self'] = body;
      return new HttpException(body, 404);
    },
    { code: 'not-found', message: 'Gone.' },
  ],
  'an HttpException of no known status': [
    () => new HttpException('Odd.', 'x' as unknown as number),
    { code: 'invalid-argument', message: 'Odd.' },
  ],
};

@Controller()
class ThrowingController {
  @StreamingMethod()
  now(what: string): never {
    throw thrown(what);
  }

  @StreamingMethod()
  async later(what: string) {
    await Promise.resolve();
    throw thrown(what);
  }

  @StreamingMethod()
  async *first(what: string) {
    if (what !== '') throw thrown(what);
    yield 1;
  }

  @StreamingMethod()
  async *behindItems(what: string) {
    yield 1;
    throw thrown(what);
  }

  @StreamingMethod()
  async *inFinally(what: string) {
    try {
      yield 1;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: what is thrown here is the test
      throw thrown(what);
    }
  }

  @StreamingMethod()
  async *whenCancelled(what: string, @StreamSession() session: StreamingSession) {
    yield 1;
    await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    throw thrown(what);
  }

  @StreamingMethod()
  async *echo(input: AsyncIterable<unknown>) {
    for await (const item of input) yield item;
  }
}

function thrown(what: string): unknown {
  return (ACCIDENTS[what] ?? ODDITIES[what]?.[0])?.();
}

const WAYS = ['now', 'later', 'first', 'behindItems', 'inFinally'] as const;

async function start(codec: CodecName) {
  const running = await startApp({ controllers: [ThrowingController] });
  const { throwing } = running.connect<{ throwing: ThrowingController }>({ codec });
  const sibling = new Sibling(throwing);
  return { ...running, throwing, sibling };
}

/** A call beside the others that must go on, whatever they come to. */
class Sibling {
  #sent = 0;
  #push: (item: number) => void = () => undefined;
  readonly #output: AsyncIterator<unknown>;

  constructor(throwing: { echo(input: AsyncIterable<unknown>): AsyncIterable<unknown> }) {
    const push = new ReadableStream<number>({
      start: (controller) => {
        this.#push = (item) => controller.enqueue(item);
      },
    });
    this.#output = throwing.echo(push as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  }

  async lives(): Promise<void> {
    this.#push(++this.#sent);
    expect(await this.#output.next()).toEqual({ done: false, value: this.#sent });
  }
}

describe.each<CodecName>(['json', 'msgpack'])('What a handler throws, over %s', (codec) => {
  it.each(Object.keys(ACCIDENTS))(
    'never leaves when it is an accident, and is in the log under its id: %s',
    async (what) => {
      const { log, throwing, sibling } = await start(codec);
      for (const way of WAYS) {
        const error = await failure(throwing[way](what));
        expect(error).toMatchObject({
          code: 'internal',
          message: 'Something went wrong on the server.',
          id: expect.stringMatching(/^[\w-]{36}$/),
        });
        expect(JSON.stringify({ ...error })).not.toContain('secret');
        expect(log.find('error', `${way} failed, error ${error.id}: `)).toHaveLength(1);
        await sibling.lives();
      }
    },
  );

  it.each(Object.keys(ODDITIES))('is told as far as it can be: %s', async (what) => {
    const { throwing, sibling } = await start(codec);
    for (const way of WAYS) {
      expect(await failure(throwing[way](what))).toMatchObject(ODDITIES[what]?.[1] ?? {});
      await sibling.lives();
    }
  });
});

it.each([
  'a text',
  'a symbol',
  'a plain object',
  'a frozen error',
  'a cyclic error',
  'an error with megabytes',
  'an error whose toString throws',
  'an error whose stack throws',
  'an error whose name throws',
  'a proxy of an error that throws',
  'a StreamError of an unknown code',
])('The log has the words of %s', async (what) => {
  const { log, throwing } = await start('json');
  const { id } = await failure(throwing.later(what));
  expect(log.find('error', `error ${id}: `)).toEqual([expect.stringContaining(SECRET)]);
});

describe('What a handler throws when its call is over', () => {
  it.each([...Object.keys(ACCIDENTS), ...Object.keys(ODDITIES)])(
    'disturbs nothing: %s',
    async (what) => {
      const { server, throwing, sibling } = await start('json');
      for (const way of ['inFinally', 'whenCancelled'] as const) {
        for await (const _ of throwing[way](what)) break;
        await until(() => server.callCount === 1);
        await sibling.lives();
      }
    },
  );
});
