import {
  type CanActivate,
  createParamDecorator,
  DefaultValuePipe,
  type ExecutionContext,
  Injectable,
  ParseIntPipe,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { IsInt, IsString, Max } from 'class-validator';
import { describe, expect, it } from 'vitest';
import {
  Arg,
  type Injected,
  Serializable,
  StreamingMethod,
  type StreamingModuleOptions,
  StreamingSession,
  StreamParam,
  StreamSession,
} from '../../lib/index.js';
import { collect, failure, startApp, until } from './app.js';

const Role = (role: string) => SetMetadata('role', role);

@Injectable()
class RoleGuard implements CanActivate {
  readonly seen: unknown[] = [];

  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.getAllAndOverride('role', [
      context.getHandler(),
      context.getClass(),
    ]);
    const ws = context.switchToWs();
    this.seen.push([role, context.getClass().name, ws.getPattern(), ws.getData()]);
    const request = context.switchToHttp().getRequest<StreamingSession<{ role: string }>>();
    request.user = { role: String(request.headers['x-role']) };
    return request.user.role === role;
  }
}

const CurrentUser = createParamDecorator((key: string, context: ExecutionContext) => {
  const { user } = context.switchToWs().getClient<StreamingSession<Record<string, string>>>();
  return user?.[key];
});

let started = 0;
const waiting: (() => void)[] = [];

@Injectable()
class SlowGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return true;
  }
}

@Injectable()
class GuardedService {
  @Role('admin')
  @UseGuards(RoleGuard)
  @StreamingMethod()
  admin(text: string, @CurrentUser('role') role: Injected<string>): string {
    started += 1;
    return `${text} ${role}`;
  }

  @UseGuards({
    canActivate: () => {
      throw new UnauthorizedException('Sign in first.');
    },
  })
  @StreamingMethod()
  async *signedIn() {
    started += 1;
    yield 1;
  }

  @UseGuards(SlowGuard)
  @StreamingMethod()
  async *slow() {
    started += 1;
    yield 1;
  }

  @StreamingMethod()
  open(@StreamSession() session: StreamingSession): string {
    return session.connectionId;
  }
}

describe('a guard', () => {
  const providers = [GuardedService, RoleGuard];

  it('sees the handler, its metadata, the session and the arguments', async () => {
    const { app, connect } = await startApp({ providers });
    const { guarded } = connect<{ guarded: GuardedService }>();
    started = 0;
    const error = await failure(guarded.admin('text'));
    expect(error).toMatchObject({ code: 'permission-denied', message: 'Forbidden resource' });
    expect(started).toBe(0);
    expect(app.get(RoleGuard).seen).toEqual([
      ['admin', 'GuardedService', 'guarded.admin', ['text']],
    ]);
  });

  it('that throws gives its reason to the client', async () => {
    const { connect } = await startApp({ providers });
    const { guarded } = connect<{ guarded: GuardedService }>();
    started = 0;
    expect(await failure(guarded.signedIn())).toMatchObject({
      code: 'unauthenticated',
      message: 'Sign in first.',
    });
    expect(started).toBe(0);
  });

  it('that takes its time delays no other call', async () => {
    const { connect } = await startApp({ providers });
    const { guarded } = connect<{ guarded: GuardedService }>();
    const slow = collect(guarded.slow());
    expect(await guarded.open()).toEqual(expect.any(String));
    waiting.pop()?.();
    expect(await slow).toEqual([1]);
  });

  it('that lets a call in when its client has gone starts nothing', async () => {
    const { server, connect } = await startApp({ providers });
    const { guarded } = connect<{ guarded: GuardedService }>();
    started = 0;
    const slow = guarded.slow();
    await until(() => waiting.length === 1);
    slow.cancel();
    expect(await guarded.open()).toEqual(expect.any(String));
    waiting.pop()?.();
    await until(() => server.callCount === 0);
    expect(started).toBe(0);
  });

  it('may set the user, whom a parameter decorator then finds', async () => {
    const { app } = await startApp({ providers });
    const { createTestingClient } = await import('../../lib/testing/index.js');
    const headers = { 'x-role': 'admin' };
    const client = createTestingClient<{ guarded: GuardedService }>(app, { headers });
    expect(await client.guarded.admin('text')).toBe('text admin');
    await client.close();
  });
});

class PointDto {
  @IsInt()
  @Max(10)
  x!: number;

  label?: string;
}

@Serializable('PipesWord')
class Word {
  @IsString()
  text!: string;

  static of(text: unknown): Word {
    return Object.assign(new Word(), { text });
  }
}

@Injectable()
class PipedService {
  @StreamingMethod()
  parsed(@Arg(ParseIntPipe) value: number, @Arg(new ParseIntPipe()) other: number): number {
    return value + other;
  }

  @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
  @StreamingMethod()
  validated(point: PointDto, extra: unknown): unknown[] {
    return [point instanceof PointDto, { ...point }, extra];
  }

  @StreamingMethod()
  async *parsedItems(@StreamParam(() => Number, ParseIntPipe) items: AsyncIterable<number>) {
    for await (const item of items) yield item + 1;
  }

  @UsePipes(new ValidationPipe())
  @StreamingMethod()
  async words(@StreamParam(() => Word) words: AsyncIterable<Word>): Promise<string> {
    const texts: string[] = [];
    for await (const { text } of words) texts.push(text);
    return texts.join(' ');
  }

  @StreamingMethod()
  async kept(@StreamParam(() => Number) items: AsyncIterable<number>): Promise<string> {
    try {
      for await (const _ of items);
      return 'all good';
    } catch (error) {
      return (error as Error).message;
    }
  }

  @StreamingMethod()
  typed(a: string, b: number, @Arg({ optional: true }) c?: boolean): string {
    return `${typeof a} ${typeof b} ${c}`;
  }

  @StreamingMethod()
  open(value: unknown): string {
    return String(value);
  }

  @StreamingMethod()
  later(@StreamSession() _: StreamingSession, a: string, items: AsyncIterable<unknown>): string {
    return `${a} ${typeof items}`;
  }

  @StreamingMethod()
  lenient(
    @Arg(new DefaultValuePipe(3)) first: number,
    @Arg(new ParseIntPipe({ optional: true }), new DefaultValuePipe(5)) second: number,
    third = 'none',
    ...others: number[]
  ): unknown[] {
    return [first, second, third, others];
  }

  @StreamingMethod()
  async *anything(@StreamParam(() => [Number, null]) items: AsyncIterable<number | null>) {
    yield* items;
  }

  @StreamingMethod()
  async count(first: AsyncIterable<unknown>, ...rest: AsyncIterable<unknown>[]): Promise<number> {
    let count = 0;
    for (const input of [first, ...rest]) for await (const _ of input) count += 1;
    return count;
  }

  @StreamingMethod()
  sum(...numbers: number[]): number {
    return numbers.reduce((sum, it) => sum + it, 0);
  }

  @StreamingMethod()
  greet(name = 'nobody'): string {
    return `Hello, ${name}`;
  }
}

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

type Loose = Record<keyof PipedService, (...args: unknown[]) => Promise<unknown>>;

describe('a pipe', () => {
  async function start(options: StreamingModuleOptions = {}) {
    const { connect } = await startApp({ providers: [PipedService], options });
    const client = connect<{ piped: PipedService }>({ models: [Word] });
    return { piped: client.piped, loose: client.piped as unknown as Loose };
  }

  it('of an argument transforms it, or refuses it with its message', async () => {
    const { loose } = await start();
    expect(await loose.parsed('20', '22')).toBe(42);
    expect(await failure(loose.parsed('20', 'x'))).toMatchObject({
      code: 'invalid-argument',
      message: 'Validation failed (numeric string is expected)',
    });
  });

  it('ValidationPipe makes a DTO of an argument, or tells all that is wrong', async () => {
    const { loose } = await start();
    expect(await loose.validated({ x: 1, odd: 2 }, { free: true })).toEqual([
      true,
      { x: 1 },
      { free: true },
    ]);
    expect(await failure(loose.validated({ x: 11.5 }, null))).toMatchObject({
      code: 'invalid-argument',
      message: 'x must not be greater than 10; x must be an integer number',
      data: { message: ['x must not be greater than 10', 'x must be an integer number'] },
    });
  });

  it('of an input sees each of its items', async () => {
    const { piped } = await start();
    const items = list('1', '2', '3') as unknown as AsyncGenerator<number>;
    expect(await collect(piped.parsedItems(items))).toEqual([2, 3, 4]);
    const bad = list('1', 'x', '3') as unknown as AsyncGenerator<number>;
    expect(await failure(piped.parsedItems(bad))).toMatchObject({ code: 'invalid-argument' });
  });

  it('of the method sees the items of an input by their type', async () => {
    const { piped } = await start({ validation: false });
    expect(await piped.words(list(Word.of('good'), Word.of('bye')))).toBe('good bye');
    expect(await failure(piped.words(list(Word.of('good'), Word.of(5))))).toMatchObject({
      code: 'invalid-argument',
      data: { message: ['text must be a string'] },
    });
  });
});

describe('a client that sends something else than declared', () => {
  async function start() {
    const { connect } = await startApp({ providers: [PipedService] });
    return connect<{ piped: Loose }>().piped;
  }

  it('is told which argument is wrong', async () => {
    const piped = await start();
    expect(await piped.typed('a', 1)).toBe('string number undefined');
    expect(await failure(piped.typed('a', 'b'))).toMatchObject({
      code: 'invalid-argument',
      message: 'argument 2 must be a number.',
      data: [{ property: 'argument 2', constraints: { type: 'must be a number' } }],
    });
    expect(await failure(piped.typed('a', 1, true, 4))).toMatchObject({
      code: 'invalid-argument',
      message: 'The method takes at most 3 arguments, not 4.',
    });
  });

  it('is told which argument is missing, and nothing else is lost', async () => {
    const piped = await start();
    const missing = (place: number) => ({
      code: 'invalid-argument',
      message: expect.stringMatching(new RegExp(`^argument ${place} is missing: `)),
      data: [{ property: `argument ${place}`, constraints: { required: 'is missing' } }],
    });
    const beside = piped.typed('a', 1);
    expect(await failure(piped.typed())).toMatchObject(missing(1));
    expect(await failure(piped.typed('a'))).toMatchObject(missing(2));
    expect(await failure(piped.typed(undefined, 1))).toMatchObject(missing(1));
    expect(await failure(piped.open())).toMatchObject(missing(1));
    expect(await failure(piped.later('a'))).toMatchObject(missing(2));
    expect(await beside).toBe('string number undefined');
  });

  it('leaves out what has a default value, is a rest, or has pipes that let it', async () => {
    const piped = await start();
    expect(await piped.lenient()).toEqual([3, 5, 'none', []]);
    expect(await piped.lenient(undefined, undefined, 'some', 1, 2)).toEqual([3, 5, 'some', [1, 2]]);
    expect(await piped.open(undefined)).toBe('undefined');
    expect(await piped.open(null)).toBe('null');
  });

  it('is told of a value for a stream, and of a stream for a value', async () => {
    const piped = await start();
    expect(await failure(piped.kept(5))).toMatchObject({
      code: 'invalid-argument',
      message: 'argument 1 must be a stream.',
    });
    expect(await failure(piped.typed(list(1), 1))).toMatchObject({
      code: 'invalid-argument',
      message: 'argument 1 must not be a stream.',
    });
  });

  it('of an item gets the input stopped, and the handler may go on', async () => {
    const piped = await start();
    let isStopped = false;
    const endless = async function* () {
      try {
        for (;;) yield 'x';
      } finally {
        isStopped = true;
      }
    };
    expect(await piped.kept(endless())).toBe('argument 1, item, must be a number.');
    await until(() => isStopped);
  });

  it('may send null where the type allows it', async () => {
    const { connect } = await startApp({ providers: [PipedService] });
    const { piped } = connect<{ piped: PipedService }>();
    expect(await collect(piped.anything(list(1, null)))).toEqual([1, null]);
  });
});

it('takes any number of arguments for a rest parameter, and none for a default', async () => {
  const { connect } = await startApp({ providers: [PipedService] });
  const { piped } = connect<{ piped: PipedService }>();
  expect(await piped.sum(1, 2, 3, 4)).toBe(10);
  expect(await piped.sum()).toBe(0);
  expect(await piped.count(list(1), list(1, 2), list(3))).toBe(4);
  expect([await piped.greet(), await piped.greet('Ada')]).toEqual(['Hello, nobody', 'Hello, Ada']);
});
