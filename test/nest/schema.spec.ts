import * as nest from '@nestjs/common';
import {
  Catch,
  Injectable,
  ParseIntPipe,
  type PipeTransform,
  UseInterceptors,
} from '@nestjs/common';
import { from, map, Observable, of } from 'rxjs';
import * as v from 'valibot';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  Arg,
  BaseStreamingExceptionFilter,
  Serializable,
  StreamingMethod,
  StreamingSession,
  StreamParam,
  StreamSession,
} from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { type AppSetup, collect, failure, startApp, until } from './app.js';

const Tick = z.object({ at: z.number().int(), label: z.string().min(1).optional() });
const Length = z.string().transform((text) => text.length);
const Even = z.number().refine(async (n) => n % 2 === 0, 'must be even');
const Picture = z.object({ points: z.array(z.object({ x: z.number() })) });
const Point = v.object({ x: v.pipe(v.number(), v.integer()) });

type Tick = z.infer<typeof Tick>;

@Serializable('SchemaWord')
class Word {
  text = '';
}

class TenfoldPipe implements PipeTransform {
  transform(value: number): number {
    return value * 10;
  }
}

/** As many applications have one. */
class OwnSchemaPipe implements PipeTransform {
  constructor(readonly schema: z.ZodType) {}

  transform(value: unknown): number {
    return Number(this.schema.parse(value)) + 1;
  }
}

class Inputs {
  @StreamingMethod()
  async *ticks(@StreamParam({ schema: Tick }) ticks: AsyncIterable<Tick>) {
    yield* ticks;
  }

  @StreamingMethod()
  async *points(@StreamParam({ schema: Point }) points: AsyncIterable<{ x: number }>) {
    yield* points;
  }

  @StreamingMethod()
  lengths(@StreamParam({ schema: Length }) lengths: Observable<number>) {
    return lengths.pipe(map((it) => it * 10));
  }

  @StreamingMethod()
  async *even(@StreamParam({ schema: Even }) numbers: ReadableStream<number>) {
    yield* numbers;
  }

  @StreamingMethod()
  async *piped(
    @StreamParam({ schema: Length, pipes: [TenfoldPipe] }) lengths: AsyncIterable<number>,
    @Arg({ schema: Length, pipes: [new TenfoldPipe()] }) first: number,
  ) {
    yield first;
    yield* lengths;
  }

  @StreamingMethod()
  async kept(@StreamParam({ schema: Tick }) ticks: AsyncIterable<Tick>): Promise<string> {
    try {
      for await (const _ of ticks);
      return 'all good';
    } catch (error) {
      return (error as Error).message;
    }
  }

  @StreamingMethod()
  argument(@Arg({ schema: Tick }) tick: Tick, @Arg({ schema: Length }) length: number): unknown {
    return { tick, length };
  }

  @StreamingMethod()
  picture(@Arg({ schema: Picture }) picture: z.infer<typeof Picture>): number {
    return picture.points.length;
  }

  @StreamingMethod()
  async waiting(@Arg({ schema: Even }) n: number, @Arg({ schema: Even }) m: number) {
    return n + m;
  }

  @StreamingMethod()
  word(@Arg({ schema: z.custom<Word>((it) => !(it instanceof Word)) }) word: Word): string {
    return word.text;
  }

  @StreamingMethod()
  own(@Arg(new OwnSchemaPipe(Length)) length: number): number {
    return length;
  }
}

@Injectable()
class InputsService extends Inputs {}

let cleaned = 0;
let produced = 0;

class Outputs {
  @StreamingMethod({ yields: Tick })
  async *stripped() {
    yield { at: 1, secret: 'password' };
    yield { at: 2 };
  }

  @StreamingMethod({ yields: Length })
  async *made() {
    yield 'a';
    yield 'abc';
  }

  @StreamingMethod({ yields: Tick })
  async *mistaken(): AsyncGenerator<Tick> {
    try {
      yield { at: 1 };
      yield { at: 1.5, label: '' };
      yield { at: 2 };
    } finally {
      cleaned += 1;
    }
  }

  @StreamingMethod({ yields: Even })
  observable() {
    return from([2, 4]);
  }

  @StreamingMethod({ yields: Even })
  async readable() {
    return new ReadableStream<number>({
      start(controller) {
        controller.enqueue(2);
        controller.close();
      },
    });
  }

  @StreamingMethod({ yields: Tick })
  async value() {
    return { at: 1, secret: 'password' };
  }

  @StreamingMethod({ yields: Tick })
  plain(at: number): Tick {
    return { at };
  }

  @StreamingMethod({ yields: Tick })
  async nothing(): Promise<Tick | undefined> {
    return undefined;
  }

  @UseInterceptors({
    intercept: (_: unknown, next: nest.CallHandler<Tick>) =>
      next.handle().pipe(map((it) => ({ ...it, secret: 'of an interceptor' }))),
  })
  @StreamingMethod({ yields: Tick })
  async *intercepted() {
    yield { at: 1 };
  }

  @UseInterceptors({ intercept: () => of({ at: 0, secret: 'cached' }) })
  @StreamingMethod({ yields: Tick })
  async cached(): Promise<Tick> {
    return { at: 1 };
  }

  @UseInterceptors({ intercept: () => of({ at: 0 }, { at: 1 }) })
  @StreamingMethod({ yields: Tick })
  async *cachedStream() {
    yield { at: 2 };
  }

  @StreamingMethod({ yields: z.number() })
  async *endless(@StreamSession() session: StreamingSession) {
    try {
      for (let i = 0; ; i += 1) {
        produced += 1;
        yield i;
      }
    } finally {
      cleaned += session.signal.aborted ? 1 : 0;
    }
  }
}

@Injectable()
class OutputsService extends Outputs {}

beforeEach(() => {
  cleaned = produced = 0;
});

async function start(setup: AppSetup = {}) {
  const running = await startApp({ providers: [InputsService, OutputsService], ...setup });
  const client = running.connect<{ inputs: Inputs; outputs: Outputs }>({ models: [Word] });
  const loose = client.inputs as unknown as Record<string, (...args: unknown[]) => Promise<never>>;
  return { ...running, inputs: client.inputs, outputs: client.outputs, loose };
}

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

function anything(...items: unknown[]): AsyncGenerator<never> {
  return list(...items) as AsyncGenerator<never>;
}

describe('a schema of an input', () => {
  it('gives the handler what it makes of each item', async () => {
    const { inputs } = await start();
    const ticks = list({ at: 1, odd: true }, { at: 2, label: 'two' });
    expect(await collect(inputs.ticks(ticks))).toEqual([{ at: 1 }, { at: 2, label: 'two' }]);
    expect(await collect(inputs.lengths(anything('a', 'abc')))).toEqual([10, 30]);
    expect(await collect(inputs.even(list(2, 4)))).toEqual([2, 4]);
  });

  it('refuses an item with the names of its properties, as class-validator does', async () => {
    const { inputs } = await start();
    const error = await failure(inputs.ticks(list({ at: 1 }, { at: 1.5, label: '' })));
    expect(error).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/^argument 1, item: at: .*int.*; label: .*character/),
      data: [
        { property: 'at', constraints: { schema: expect.stringContaining('int') } },
        { property: 'label', constraints: { schema: expect.stringContaining('character') } },
      ],
    });
    expect(await failure(inputs.even(list(2, 3)))).toMatchObject({
      code: 'invalid-argument',
      message: 'argument 1, item: must be even',
      data: [{ property: 'argument 1', constraints: { schema: 'must be even' } }],
    });
  });

  it('may be of any library that keeps to Standard Schema', async () => {
    const { inputs } = await start();
    const points = [{ x: 1, y: 2 }, { x: 2 }];
    expect(await collect(inputs.points(list(...points)))).toEqual([{ x: 1 }, { x: 2 }]);
    expect(await failure(inputs.points(list({ x: 1.5 })))).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'x', constraints: { schema: expect.stringContaining('nteger') } }],
    });
  });

  it("stops the client's source at an item it refuses, and the call goes on", async () => {
    const { inputs } = await start();
    const endless = async function* () {
      try {
        for (;;) yield { at: 0.5 };
      } finally {
        cleaned += 1;
      }
    };
    expect(await inputs.kept(endless())).toMatch(/^argument 1, item: at: /);
    await until(() => cleaned === 1);
  });

  it('stands before the pipes beside it', async () => {
    const { inputs } = await start();
    expect(await collect(inputs.piped(anything('a', 'ab'), 'abc' as never))).toEqual([30, 10, 20]);
  });
});

describe('a schema of an argument', () => {
  it('gives the handler what it makes of it', async () => {
    const { inputs, loose } = await start();
    expect(await loose['argument']?.({ at: 1, odd: 2 }, 'abc')).toEqual({
      tick: { at: 1 },
      length: 3,
    });
    expect(await inputs.waiting(2, 4)).toBe(6);
  });

  it('decides in the place of the class, and of no pipe that has a schema itself', async () => {
    const { inputs } = await start();
    expect(await inputs.word({ text: 'plain' })).toBe('plain');
    expect(await inputs.own('abc' as never)).toBe(4);
  });

  it('refuses it with the way to what is wrong', async () => {
    const { inputs, loose } = await start();
    expect(
      await failure(inputs.picture({ points: [{ x: 1 }, { x: 'a' as never }] })),
    ).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/^argument 1: points\.1\.x: /),
      data: [{ property: 'points.1.x', constraints: { schema: expect.any(String) } }],
    });
    expect(await failure(loose['argument']?.({ at: 1 }) as Promise<never>)).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'argument 2', constraints: { schema: expect.any(String) } }],
    });
    expect(await failure(inputs.waiting(1, 3))).toMatchObject({
      message: 'argument 1: must be even',
    });
  });

  it('names no more than a client could read', async () => {
    const { inputs } = await start();
    const points = Array.from({ length: 500 }, () => ({ x: 'a' as never }));
    const error = await failure(inputs.picture({ points }));
    expect(error.message).toMatch(/points\.4\.x: [^;]*; and more$/);
    expect(error.data).toHaveLength(100);
  });
});

describe('a schema of what a method yields', () => {
  it('lets out what it declares, and nothing else', async () => {
    const { outputs } = await start();
    expect(await collect(outputs.stripped())).toEqual([{ at: 1 }, { at: 2 }]);
    expect(await collect(outputs.made())).toEqual([1, 3]);
    expect(await collect(outputs.observable())).toEqual([2, 4]);
    expect(await collect(outputs.readable())).toEqual([2]);
  });

  it('is that of a value, too, unless it is none', async () => {
    const { outputs } = await start();
    expect(await outputs.value()).toEqual({ at: 1 });
    expect(await outputs.plain(2)).toEqual({ at: 2 });
    expect(await outputs.nothing()).toBeUndefined();
    expect(await failure(outputs.plain(0.5))).toMatchObject({ code: 'internal' });
  });

  it("tells the client of the server's mistake an id, and the log what is wrong", async () => {
    const { log, outputs, server } = await start();
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of outputs.mistaken()) items.push(item);
    })();
    const error = await failure(reading);
    expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
    expect(error.message).not.toContain('at');
    expect(error.data).toBeUndefined();
    expect(items).toEqual([{ at: 1 }]);
    const [line] = log.find('error', String(error.id));
    expect(line).toMatch(
      /OutputsService\.mistaken gave an item that its schema refuses: at: .*; label: /,
    );
    await until(() => server.callCount === 0);
    expect(cleaned).toBe(1);
  });

  it('has the last word, after the interceptors', async () => {
    const { outputs } = await start();
    expect(await collect(outputs.intercepted())).toEqual([{ at: 1 }]);
    expect(await outputs.cached()).toEqual({ at: 0 });
    expect(await collect(outputs.cachedStream())).toEqual([{ at: 0 }, { at: 1 }]);
  });

  it('is told of to the filters', async () => {
    const seen: unknown[] = [];
    @Catch()
    class Filter extends BaseStreamingExceptionFilter {
      override catch(error: Error, host: nest.ArgumentsHost) {
        seen.push(error.message);
        return super.catch(error, host);
      }
    }
    const { outputs } = await start({ configure: (app) => app.useGlobalFilters(new Filter()) });
    expect(await failure(outputs.mistaken())).toMatchObject({ code: 'internal' });
    expect(seen).toEqual([expect.stringContaining('its schema refuses: at')]);
  });

  it('keeps the backpressure, and lets go of the handler', async () => {
    const { app, server } = await start();
    const client = createTestingClient<{ outputs: Outputs }>(app, { limits: { windowItems: 4 } });
    const output = client.outputs.endless()[Symbol.asyncIterator]();
    await until(() => produced === 4);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(produced).toBe(4);
    await output.return?.();
    await until(() => server.callCount === 0);
    expect(cleaned).toBe(1);
    await client.close();
  });
});

const { StandardSchemaValidationPipe } = nest;

describe("beside Nest's own pipe for schemas", () => {
  const setup: AppSetup = {
    configure: (app) => {
      app.useGlobalPipes(
        new StandardSchemaValidationPipe({
          exceptionFactory: (issues) => new nest.ForbiddenException(`${issues.length} issues`),
        }),
      );
    },
  };

  it.runIf(StandardSchemaValidationPipe)('an item is parsed once, by the pipe', async () => {
    const { inputs, loose } = await start(setup);
    expect(await collect(inputs.lengths(anything('a', 'abc')))).toEqual([10, 30]);
    expect(await loose['argument']?.({ at: 1 }, 'abc')).toEqual({ tick: { at: 1 }, length: 3 });
    expect(await failure(inputs.ticks(list({ at: 0.5 })))).toMatchObject({
      code: 'permission-denied',
      message: '1 issues',
    });
  });
});

describe("Nest's own interceptor for schemas", () => {
  const Interceptor = nest.StandardSchemaSerializerInterceptor;

  it.runIf(Interceptor)('sees the output item by item, within its credit', async () => {
    @nest.SerializeOptions({ schema: Tick })
    @UseInterceptors(Interceptor)
    @Injectable()
    class SerializedService extends Outputs {
      @StreamingMethod()
      async *ticks() {
        for (let at = 0; ; at += 1) {
          produced += 1;
          yield { at, secret: 'password' };
        }
      }
    }
    const { app } = await start({ providers: [SerializedService] });
    const limits = { windowItems: 4 };
    const client = createTestingClient<{ serialized: SerializedService }>(app, { limits });
    const output = client.serialized.ticks()[Symbol.asyncIterator]();
    await until(() => produced === 4);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect([produced, (await output.next()).value]).toEqual([4, { at: 0 }]);
    await output.return?.();
    await client.close();
  });
});

it("class-level and global pipes are told of a parameter's schema", async () => {
  const seen: unknown[] = [];
  const pipe: PipeTransform = {
    transform(value, { metatype, type }) {
      seen.push([value, metatype, type]);
      return value;
    },
  };
  const { inputs } = await start({ configure: (app) => app.useGlobalPipes(pipe) });
  expect(await collect(inputs.lengths(anything('a')))).toEqual([10]);
  expect(seen).toEqual([['a', undefined, 'body']]);
});

describe('the start fails with a sentence', () => {
  async function refusal(provider: nest.Provider): Promise<string> {
    return (await failure(startApp({ providers: [provider] }))).message;
  }

  it('for a schema in the wrong place', async () => {
    @Injectable()
    class Input {
      @StreamingMethod()
      odd(@StreamParam(Tick as never) _input: AsyncIterable<unknown>): void {}
    }
    @Injectable()
    class Argument {
      @StreamingMethod()
      odd(_a: number, @Arg(ParseIntPipe, Tick as never) _b: unknown): void {}
    }
    const sentence = 'has a schema in the wrong place: give it as { schema }.';
    expect(await refusal(Input)).toBe(`Input.odd, parameter 1, ${sentence}`);
    expect(await refusal(Argument)).toBe(`Argument.odd, parameter 2, ${sentence}`);
  });

  it('for what is no schema', async () => {
    @Injectable()
    class Odd {
      @StreamingMethod()
      odd(@Arg({ schema: { parse: () => 1 } as never }) _input: unknown): void {}
    }
    expect(await refusal(Odd)).toBe(
      'Odd.odd, parameter 1, has a schema that is none by Standard Schema.',
    );
  });
});
