import {
  Injectable,
  type PipeTransform,
  UnprocessableEntityException,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, ValidateNested } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Serializable, StreamingMethod, StreamParam } from '../../lib/index.js';
import { type AppSetup, collect, failure, startApp } from './app.js';

@Serializable('ItemPipesDot')
class Dot {
  @IsInt()
  @Max(10)
  x!: number;

  static at(x: unknown): Dot {
    return Object.assign(new Dot(), { x });
  }
}

@Serializable('ItemPipesLine')
class Line {
  @ValidateNested()
  @Type(() => Dot)
  end!: Dot;
}

@Serializable('ItemPipesText')
class Text {
  @IsString()
  text!: string;
}

@Injectable()
class DrawingService {
  @StreamingMethod()
  async *dots(@StreamParam(() => Dot) dots: AsyncIterable<Dot>) {
    for await (const dot of dots) yield `${dot.constructor.name} ${dot.x}`;
  }

  @StreamingMethod()
  async *either(@StreamParam(() => [Dot, Text]) items: AsyncIterable<Dot | Text>) {
    for await (const item of items) yield item.constructor.name;
  }

  @StreamingMethod()
  async ends(@StreamParam(() => Line) lines: AsyncIterable<Line>): Promise<unknown[]> {
    const ends: unknown[] = [];
    try {
      for await (const { end } of lines) ends.push(end instanceof Dot && end.x);
    } catch (error) {
      ends.push((error as Error).name);
    }
    return ends;
  }

  @StreamingMethod()
  values(a: Map<string, number>, b: Set<number>, c: Uint8Array, d: bigint, e: Date): unknown[] {
    return [a, b, c, d, e];
  }

  @StreamingMethod()
  async *untyped(items: AsyncIterable<unknown>) {
    yield* items;
  }
}

@UsePipes(new ValidationPipe({ transform: true }))
@Injectable()
class PipedService extends DrawingService {}

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

async function start(setup: AppSetup = {}) {
  const { connect } = await startApp({ providers: [DrawingService, PipedService], ...setup });
  return connect<{ drawing: DrawingService; piped: DrawingService }>({ models: [Dot, Line, Text] });
}

const pipe = () => new ValidationPipe({ transform: true });
const unchecked = { options: { validation: false } } as const;

const LEVELS: [level: string, endpoint: 'drawing' | 'piped', setup: AppSetup][] = [
  ['application', 'drawing', { configure: (app) => app.useGlobalPipes(pipe()) }],
  ['module', 'drawing', { providers: [DrawingService, { provide: APP_PIPE, useFactory: pipe }] }],
  ['class', 'piped', {}],
];

describe.each(LEVELS)('ValidationPipe of the %s', (_, endpoint, setup) => {
  it('lets the items of a typed input pass as what they are', async () => {
    const client = await start({ ...setup, ...unchecked });
    expect(await collect(client[endpoint].dots(list(Dot.at(1), Dot.at(2))))).toEqual([
      'Dot 1',
      'Dot 2',
    ]);
    const text = Object.assign(new Text(), { text: 'a' });
    expect(await collect(client[endpoint].either(list<Dot | Text>(Dot.at(1), text)))).toEqual([
      'Dot',
      'Text',
    ]);
  });

  it('refuses one with its list of messages, and the call is told', async () => {
    const client = await start({ ...setup, ...unchecked });
    const items: string[] = [];
    const reading = (async () => {
      for await (const item of client[endpoint].dots(list(Dot.at(1), Dot.at(11.5))))
        items.push(item);
    })();
    expect(await failure(reading)).toMatchObject({
      code: 'invalid-argument',
      message: 'x must not be greater than 10; x must be an integer number',
      data: { message: ['x must not be greater than 10', 'x must be an integer number'] },
    });
    expect(items).toEqual(['Dot 1']);
  });

  it('takes nothing for a DTO that crosses the wire by itself', async () => {
    const client = await start(setup);
    const values = [
      new Map([['a', 1]]),
      new Set([2]),
      new Uint8Array([3]),
      4n,
      new Date(5),
    ] as const;
    expect(await client[endpoint].values(...values)).toEqual(values);
  });

  it('comes after the check of the models themselves', async () => {
    const client = await start(setup);
    expect(await failure(client[endpoint].dots(list(Dot.at('a'))))).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'x', constraints: { isInt: 'x must be an integer number' } }],
    });
  });
});

describe('a pipe of the application', () => {
  it('may tell of an item in its own words', async () => {
    const client = await start({
      ...unchecked,
      configure: (app) => {
        const exceptionFactory = (errors: unknown[]) =>
          new UnprocessableEntityException(`${errors.length} errors`);
        app.useGlobalPipes(new ValidationPipe({ exceptionFactory }));
      },
    });
    expect(await failure(client.drawing.dots(list(Dot.at('a'))))).toMatchObject({
      code: 'invalid-argument',
      message: '1 errors',
    });
  });

  it('is told the type of each item, and sees none of an input without types', async () => {
    const seen: unknown[] = [];
    const looking: PipeTransform = {
      transform(value, { metatype, type }) {
        seen.push([metatype, type]);
        return value;
      },
    };
    const client = await start({ configure: (app) => app.useGlobalPipes(looking) });
    const text = Object.assign(new Text(), { text: 'a' });
    await collect(client.drawing.either(list<Dot | Text>(Dot.at(1), text)));
    await collect(client.drawing.untyped(list(1, 2)));
    expect(seen).toEqual([
      [Dot, 'body'],
      [Text, 'body'],
    ]);
  });
});

describe('a plain object among the items', () => {
  it('becomes the model that the input declares, and is held to its rules', async () => {
    const client = await start();
    expect(await collect(client.drawing.dots(list({ x: 1 }, Dot.at(2))))).toEqual([
      'Dot 1',
      'Dot 2',
    ]);
    expect(await client.drawing.ends(list({ end: { x: 3 } }, { end: Dot.at(4) }))).toEqual([3, 4]);
    expect(await failure(client.drawing.dots(list({ x: 11 })))).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'x', constraints: { max: 'x must not be greater than 10' } }],
    });
    expect(await failure(client.drawing.dots(list({} as Dot)))).toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('could be either of two models, so it is refused', async () => {
    const client = await start();
    expect(await failure(client.drawing.either(list({ x: 1 })))).toMatchObject({
      code: 'invalid-argument',
      message: 'argument 1, item, must be Dot or Text.',
      data: [{ property: 'argument 1', constraints: { type: 'must be Dot or Text' } }],
    });
  });
});
