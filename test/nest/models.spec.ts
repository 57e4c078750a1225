import { once } from 'node:events';
import { Controller, UseGuards } from '@nestjs/common';
import { Exclude, Expose, Type } from 'class-transformer';
import {
  IsArray,
  IsEnum,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  registerDecorator,
  ValidateNested,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  Serializable,
  StreamError,
  StreamingException,
  StreamingMethod,
  type StreamingModuleOptions,
  StreamParam,
} from '../../lib/index.js';
import { ModelRegistry } from '../../lib/model/registry.js';
import { createEncoder } from '../../lib/protocol/create-codec.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { failure } from '../engine/engine.js';
import { startApp } from './app.js';

enum Color {
  red = 'red',
  blue = 'blue',
}

@Serializable('ModelsPoint')
class Point {
  @IsInt()
  @Min(0)
  x = 0;

  static at(x: unknown): Point {
    return Object.assign(new Point(), { x });
  }
}

@Serializable('ModelsLabelled')
class LabelledPoint extends Point {
  @IsString()
  label = '';
}

@Serializable('ModelsDrawing')
class Drawing {
  @IsString()
  @MaxLength(10)
  title = '';

  @IsEnum(Color)
  color = Color.red;

  @Type(() => Point)
  @ValidateNested({ each: true })
  @IsArray()
  points: Point[] = [];

  @IsOptional()
  @IsString()
  note?: string;

  at = new Date(0);
  big = 2n ** 70n;
  bytes = new Uint8Array([0, 255]);
  tags = new Map<string, Set<number>>([['a', new Set([1])]]);
  nothing: string | null = null;

  @Exclude({ toPlainOnly: true })
  secret = 'secret';
}

@Serializable('ModelsAccount')
class Account {
  @Expose({ name: 'user_name' })
  name = 'ann';

  @Expose({ groups: ['admin'] })
  rights = 'all';

  @Exclude()
  password = 'hunter2';

  @Type(() => Account)
  friend: Account | null = null;
}

@Serializable('ModelsPlain')
class Plain {
  anything: unknown = 1;
}

function IsSlowlyEven(): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: 'isSlowlyEven',
      target: target.constructor,
      propertyName: String(propertyName),
      async: true,
      validator: {
        validate: async (value) => {
          await new Promise((resolve) => setImmediate(resolve));
          return Number(value) % 2 === 0;
        },
        defaultMessage: () => 'n must be even',
      },
    });
}

@Serializable('ModelsSlow')
class Slow {
  @IsSlowlyEven()
  n = 0;

  static of(n: number): Slow {
    return Object.assign(new Slow(), { n });
  }
}

@Serializable('ModelsLocked')
class Locked extends StreamingException {
  @Exclude()
  readonly key = 'the key';
  readonly door: string;

  constructor(door = '') {
    super(`The ${door} is locked.`, 'permission-denied');
    this.door = door;
  }
}

const MODELS = [Point, LabelledPoint, Drawing, Account, Plain, Slow, Locked];

@Controller()
class ModelsController {
  started = 0;

  @StreamingMethod()
  async *echo(items: AsyncIterable<unknown>) {
    for await (const item of items) yield item;
  }

  @StreamingMethod({ yields: () => Point })
  async *points() {
    yield Point.at(1);
    yield Object.assign(new LabelledPoint(), { x: 2, label: 'two' });
  }

  @StreamingMethod()
  account() {
    return Object.assign(new Account(), { friend: new Account() });
  }

  @StreamingMethod()
  take(value: unknown) {
    this.started++;
    return value;
  }

  @UseGuards({ canActivate: () => false })
  @StreamingMethod()
  guarded(_value: unknown) {
    return 'never';
  }

  @StreamingMethod()
  async sum(@StreamParam(() => Point) points: AsyncIterable<Point>) {
    let sum = 0;
    for await (const { x } of points) sum += x;
    return sum;
  }

  @StreamingMethod()
  async slow(items: AsyncIterable<Slow>) {
    const seen: number[] = [];
    try {
      for await (const { n } of items) seen.push(n);
    } catch (error) {
      return [seen, (error as StreamError).message];
    }
    return [seen];
  }

  @StreamingMethod()
  even(slow: Slow) {
    return slow.n;
  }

  @StreamingMethod()
  point(point: Point) {
    return [point instanceof Point, point];
  }

  @UseGuards({
    canActivate: async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return true;
    },
  })
  @StreamingMethod()
  behindSlowGuard(value: unknown) {
    return value;
  }

  @StreamingMethod()
  async plain(@StreamParam(() => Plain) _items: AsyncIterable<Plain>) {}

  @StreamingMethod()
  open(): never {
    throw new Locked('lock');
  }
}

async function start(codec: CodecName = 'json', options: StreamingModuleOptions = {}) {
  const running = await startApp({ controllers: [ModelsController], options });
  const client = running.connect<{ models: ModelsController }>({ codec, models: MODELS });
  return { ...running, models: client.models, controller: running.app.get(ModelsController) };
}

/** All that crosses the wire of one call without arguments, as a client of no models sees it. */
async function wireOf(port: number, codec: CodecName, method: string): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/streaming`, SUBPROTOCOLS[codec]);
  const sent: string[] = [];
  const over = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      sent.push(data.toString('latin1'));
      if (sent.length > 1) resolve();
    });
  });
  await once(socket, 'open');
  const encoder = createEncoder(codec, new ModelRegistry([]), DEFAULT_LIMITS);
  encoder.frame([0, [10, 10_000], null]);
  encoder.frame([2, 1, method, [], []]);
  socket.send(encoder.take() ?? '');
  await over;
  socket.close();
  return sent.join('');
}

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe.each<CodecName>(['json', 'msgpack'])('A model over %s', (codec) => {
  it('comes back equal, with all its fields and instances of their classes', async () => {
    const { models } = await start(codec);
    const drawing = Object.assign(new Drawing(), {
      title: 'house',
      color: Color.blue,
      points: [Point.at(1), Point.at(2)],
    });
    const [echoed] = (await collect(models.echo(list(drawing)))) as [Drawing];
    expect(echoed).toEqual(drawing);
    expect(echoed).toBeInstanceOf(Drawing);
    expect(echoed.points[0]).toBeInstanceOf(Point);
  });

  it('arrives as the subclass on a stream declared with its parent', async () => {
    const { models } = await start(codec);
    const [point, labelled] = await collect(models.points());
    expect(point).toBeInstanceOf(Point);
    expect(labelled).toBeInstanceOf(LabelledPoint);
    expect(labelled).toEqual({ x: 2, label: 'two' });
  });

  it('never lets excluded fields out, nested ones and those of exceptions neither', async () => {
    const { port } = await start(codec, { transform: { groups: ['user'] } });
    const sent = await wireOf(port, codec, 'models.account');
    expect(sent).toContain('user_name');
    for (const hidden of ['hunter2', 'password', 'rights']) expect(sent).not.toContain(hidden);
    const error = await wireOf(port, codec, 'models.open');
    expect(error).toContain('The lock is locked.');
    expect(error).not.toContain('the key');
  });

  it('is refused with the property and the constraint when it is invalid', async () => {
    const { models, controller } = await start(codec);
    expect(await failure(models.take(Point.at(-1)))).toMatchObject({
      code: 'invalid-argument',
      message: 'Point: x must not be less than 0.',
      data: [{ property: 'x', constraints: { min: 'x must not be less than 0' } }],
    });
    const drawing = Object.assign(new Drawing(), { points: [Point.at(0), Point.at(-5)] });
    expect(await failure(models.take({ deep: [drawing] }))).toMatchObject({
      message: 'Point: x must not be less than 0.',
      data: [{ property: 'x', constraints: { min: expect.any(String) } }],
    });
    expect(controller.started).toBe(0);
  });

  it('costs its own call only when it is invalid as an item', async () => {
    const { models } = await start(codec);
    const [sum, refused] = await Promise.all([
      models.sum(list(Point.at(1), Point.at(2))),
      failure(models.sum(list(Point.at(1), Point.at(-2)))),
    ]);
    expect(sum).toBe(3);
    expect(refused).toMatchObject({ code: 'invalid-argument', data: [{ property: 'x' }] });
  });

  it('is not told what is wrong with it before the guards have let its caller in', async () => {
    const { models } = await start(codec);
    expect(await failure(models.guarded(Point.at(-1)))).toMatchObject({
      code: 'permission-denied',
    });
  });

  it('is waited for where a constraint is asynchronous, as an argument and as an item', async () => {
    const { models, controller } = await start(codec);
    expect(await models.take(Slow.of(2))).toEqual(Slow.of(2));
    expect(await failure(models.take([Slow.of(3)]))).toMatchObject({
      code: 'invalid-argument',
      message: 'Slow: n must be even.',
    });
    expect(controller.started).toBe(1);
    expect(await models.slow(list(Slow.of(2), Slow.of(4)))).toEqual([[2, 4]]);
    expect(await models.slow(list(Slow.of(2), Slow.of(3), Slow.of(4)))).toEqual([
      [2],
      'Slow: n must be even.',
    ]);
  });

  it('is refused by an asynchronous constraint that answered before a slow guard', async () => {
    const { models } = await start(codec);
    expect(await failure(models.behindSlowGuard(Slow.of(3)))).toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('is made of a plain object where an argument declares it, and held to its rules', async () => {
    const { models } = await start(codec);
    expect(await models.even({ n: 2 })).toBe(2);
    expect(await failure(models.even({ n: 3 }))).toMatchObject({ code: 'invalid-argument' });
    expect(await models.point({ x: 1 })).toEqual([true, { x: 1 }]);
    expect(await failure(models.point({ x: -1 }))).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'x' }],
    });
  });

  it('has undeclared properties refused or stripped as configured', async () => {
    const stripped = await start(codec, { validation: { whitelist: true } });
    const point = Object.assign(Point.at(1), { extra: true });
    expect(await stripped.models.take(point)).toEqual({ x: 1 });
    const refused = await start(codec, {
      validation: { whitelist: true, forbidNonWhitelisted: true },
    });
    expect(await failure(refused.models.take(point))).toMatchObject({
      code: 'invalid-argument',
      data: [{ property: 'extra' }],
    });
  });

  it('of a name the server does not know fails that call, with a sentence that names it', async () => {
    const { connect } = await start(codec);
    @Serializable(`ModelsUnknown-${codec}`)
    class Unknown {}
    const client = connect<{ models: ModelsController }>({ codec, models: [Unknown] });
    // Registered after the server started, so it is the client's alone.
    expect(await failure(client.models.take(new Unknown()))).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('ModelsUnknown'),
    });
    expect(await client.models.take(1)).toBe(1);
  });
});

describe('A class without validation metadata', () => {
  it('is not taken for validated: the log says so at the start', async () => {
    const { log } = await start();
    expect(log.find('warn', 'Plain')).toEqual([
      expect.stringContaining('has no class-validator decorators'),
    ]);
  });
});
