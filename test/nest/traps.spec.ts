import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  Inject,
  Injectable,
  Module,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { IsString } from 'class-validator';
import { Observable, reduce, timeout } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import {
  Arg,
  BaseStreamingExceptionFilter,
  Endpoint,
  StreamingMethod,
  StreamingSession,
  StreamParam,
  StreamSession,
} from '../../lib/index.js';
import { EnhancerFactory } from '../../lib/nest/enhancers.js';
import { MethodRegistry } from '../../lib/nest/method-registry.js';
import { collect, failure, startApp, until } from './app.js';

// What goes wrong in Nest without a word; each test would fail for the mistake it names.

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

describe('a pipe class of a parameter', () => {
  let made = 0;

  @Injectable()
  class Suffix {
    constructor(@Inject('SUFFIX') readonly text: string) {}
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class TransientPipe implements PipeTransform {
    readonly number: number;

    constructor(private readonly suffix: Suffix) {
      made += 1;
      this.number = made;
    }

    transform(value: string): string {
      return `${value}${this.suffix.text}`;
    }
  }

  class Piped {
    @StreamingMethod()
    async *run(
      @Arg(TransientPipe) word: string,
      @StreamParam(undefined, TransientPipe) words: AsyncIterable<string>,
    ) {
      yield word;
      yield* words;
    }
  }

  it('of transient scope is made, with its dependencies, for a class that is static', async () => {
    @Injectable()
    class PipedService extends Piped {
      @StreamingMethod()
      override run(
        @Arg(TransientPipe) word: string,
        @StreamParam(undefined, TransientPipe) words: AsyncIterable<string>,
      ) {
        return super.run(word, words);
      }
    }
    const providers = [PipedService, Suffix, { provide: 'SUFFIX', useValue: '!' }];
    const { connect } = await startApp({ providers });
    const { piped } = connect<{ piped: Piped }>();
    expect(await collect(piped.run('a', list('b')))).toEqual(['a!', 'b!']);
  });

  it('is that of the module its method stands in', async () => {
    const classes = ['one', 'other'].map((name) => {
      @Endpoint(name)
      @Injectable()
      class PipedService {
        @StreamingMethod()
        run(@Arg(TransientPipe) word: string): string {
          return word;
        }
      }
      const suffix = { provide: 'SUFFIX', useValue: ` of ${name}` };
      @Module({ providers: [PipedService, Suffix, suffix] })
      class FeatureModule {}
      return FeatureModule;
    });
    const { connect } = await startApp({ imports: classes });
    const client = connect<Record<'one' | 'other', { run(word: string): string }>>();
    expect([await client.one.run('a'), await client.other.run('a')]).toEqual([
      'a of one',
      'a of other',
    ]);
  });
});

describe('a stream parameter', () => {
  class Dto {
    @IsString()
    text!: string;
  }

  @UsePipes(new ValidationPipe({ transform: true, forbidUnknownValues: true }))
  @Injectable()
  class CountingService {
    @StreamingMethod()
    count(@StreamParam() items: Observable<unknown>) {
      return items.pipe(reduce((count: number) => count + 1, 0));
    }

    @StreamingMethod()
    async typed(@StreamParam(() => Number) items: ReadableStream<number>, dto: Dto) {
      let sum = 0;
      for await (const item of items) sum += item;
      return `${dto.text} ${sum}`;
    }
  }

  it('is not taken for a DTO by ValidationPipe, nor are its items', async () => {
    const { connect } = await startApp({ providers: [CountingService] });
    const { counting } = connect<{ counting: CountingService }>();
    expect(await collect(counting.count(list<unknown>({ a: 1 }, 'two', null)))).toEqual([3]);
    expect(await counting.typed(list(1, 2), { text: 'sum' })).toBe('sum 3');
    expect(await failure(counting.typed(list(1), { text: 1 as never }))).toMatchObject({
      code: 'invalid-argument',
      data: { message: ['text must be a string'] },
    });
  });
});

describe('a filter', () => {
  const Team = Reflector.createDecorator<string>();
  const seen: unknown[] = [];

  @Catch()
  @Injectable()
  class TeamFilter extends BaseStreamingExceptionFilter {
    constructor(private readonly reflector: Reflector) {
      super();
    }

    override catch(error: Error, host: ArgumentsHost & { getHandler(): () => void }) {
      seen.push(this.reflector.get(Team, host.getHandler()));
      return super.catch(error, host);
    }
  }

  @Catch(RangeError)
  class RangeFilter extends BaseStreamingExceptionFilter {}

  let hasRun = false;

  @Injectable()
  class FilteredService {
    @Team('red')
    @UseFilters(TeamFilter)
    @StreamingMethod()
    async *teamed() {
      yield 1;
      throw new Error();
    }

    @UseFilters(RangeFilter)
    @UseGuards({ canActivate: () => false })
    @StreamingMethod()
    denied(): void {
      hasRun = true;
    }
  }

  it('finds the metadata of the handler whose error it is', async () => {
    const { connect } = await startApp({ providers: [FilteredService] });
    const { filtered } = connect<{ filtered: FilteredService }>();
    await failure(filtered.teamed());
    expect(seen).toEqual(['red']);
  });

  it('that does not catch a denial leaves it one', async () => {
    const { connect } = await startApp({
      providers: [FilteredService],
      configure: (app) => app.useGlobalFilters(new RangeFilter()),
    });
    const { filtered } = connect<{ filtered: FilteredService }>();
    expect(await failure(filtered.denied())).toMatchObject({ code: 'permission-denied' });
    expect(hasRun).toBe(false);
  });
});

describe('request scope', () => {
  it('finds what the own module provides, where two have one token', async () => {
    class Named {
      constructor(readonly name: string) {}

      @StreamingMethod()
      whose(): string {
        return this.name;
      }
    }
    const modules = ['one', 'other'].map((name) => {
      @Endpoint(name)
      @Injectable({ scope: Scope.REQUEST })
      class NamedService extends Named {
        constructor() {
          super(name);
        }
      }
      @Module({ providers: [{ provide: 'NAMED', useClass: NamedService }] })
      class FeatureModule {}
      return FeatureModule;
    });
    const { connect } = await startApp({ imports: modules });
    const client = connect<Record<'one' | 'other', Named>>();
    expect([await client.one.whose(), await client.other.whose()]).toEqual(['one', 'other']);
  });

  class Promised {
    @StreamingMethod()
    who(name: string): string {
      return `${name}, promised`;
    }

    @StreamingMethod()
    inherited(): string {
      return this.constructor.name;
    }

    @StreamingMethod()
    hidden(): string {
      return 'not hidden';
    }
  }

  const Team = SetMetadata('team', 'red');
  const teams: unknown[] = [];

  class Made extends Promised {
    @Team
    @UseGuards({
      canActivate: (context) => {
        teams.push(Reflect.getMetadata('team', context.getHandler()));
        return true;
      },
    })
    @StreamingMethod()
    override who(@Arg({ transform: (it: string) => it.toUpperCase() }) name: string): string {
      return `${name}, made`;
    }

    override hidden(): string {
      return 'hidden';
    }
  }

  const factory = { provide: Promised, scope: Scope.REQUEST, useFactory: () => new Made() };

  it('runs the methods of the child that a factory makes', async () => {
    const { connect } = await startApp({ providers: [factory] });
    const { promised } = connect<{ promised: Promised }>();
    expect([await promised.who('a'), await promised.who('b')]).toEqual(['A, made', 'B, made']);
    expect(teams).toEqual(['red', 'red']);
    expect(await promised.inherited()).toBe('Made');
  });

  it('hides what that child overrides without the decorator', async () => {
    const { connect } = await startApp({ providers: [factory] });
    const { promised } = connect<{ promised: Promised }>();
    expect(await failure(promised.hidden() as PromiseLike<string>)).toMatchObject({
      code: 'not-found',
      message: 'There is no streaming method "promised.hidden".',
    });
  });

  it('finds nothing in what a factory makes for a token that is no class', async () => {
    const nameless = { ...factory, provide: 'NAMELESS' };
    const { connect } = await startApp({ providers: [nameless] });
    const client = connect<Record<string, Promised>>();
    for (const name of ['promised', 'made', 'NAMELESS']) {
      expect(await failure(client[name]?.inherited() as PromiseLike<string>)).toMatchObject({
        code: 'not-found',
      });
    }
  });

  it('keeps nothing of a call that is over', async () => {
    const instances: WeakRef<object>[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Dependency {}
    @Injectable({ scope: Scope.REQUEST })
    class ForgottenService {
      constructor(readonly dependency: Dependency) {}

      @StreamingMethod()
      async *run(@StreamSession() session: StreamingSession) {
        instances.push(new WeakRef(this), new WeakRef(this.dependency), new WeakRef(session));
        yield 1;
      }
    }
    const { connect, server } = await startApp({ providers: [Dependency, ForgottenService] });
    const { forgotten } = connect<{ forgotten: ForgottenService }>();
    await collect(forgotten.run());
    await until(() => server.callCount === 0);
    await until(() => {
      collectGarbage();
      return instances.every((it) => it.deref() === undefined);
    });
    expect(instances).toHaveLength(3);
  });
});

describe('a method without enhancers', () => {
  const iterable = { [Symbol.asyncIterator]: () => list(1, 2) };

  @Injectable()
  class BareService {
    @StreamingMethod()
    stream() {
      return iterable;
    }
  }

  it('gives the engine what it returned itself, at once', async () => {
    const { app, connect } = await startApp({ providers: [BareService] });
    const method = app.get(MethodRegistry, { strict: false }).get('bare.stream');
    if (method === undefined) throw new Error('It is not there.');
    const invoke = vi.spyOn(method, 'invoke');
    expect(await collect(connect<{ bare: BareService }>().bare.stream())).toEqual([1, 2]);
    expect(invoke.mock.results).toEqual([{ type: 'return', value: iterable }]);
    expect(invoke.mock.results[0]?.value).toBe(iterable);
  });
});

describe('a method of a static class', () => {
  @UseGuards({ canActivate: () => true })
  @UseInterceptors({ intercept: (_, next) => next.handle() })
  @UsePipes({ transform: (it: unknown) => it })
  @Injectable()
  class StaticService {
    @StreamingMethod()
    run(value: number): number {
      return value;
    }
  }

  it('has its enhancers put together once, at the start', async () => {
    const { app, connect } = await startApp({ providers: [StaticService] });
    const factory = app.get(EnhancerFactory, { strict: false });
    const created = [vi.spyOn(factory, 'create'), vi.spyOn(factory, 'filters')];
    const { static: endpoint } = connect<{ static: StaticService }>();
    expect([await endpoint.run(1), await endpoint.run(2)]).toEqual([1, 2]);
    for (const it of created) expect(it).not.toHaveBeenCalled();
  });
});

describe('a generator that hangs in an await', () => {
  let wake: () => void = () => undefined;
  let cleaned = 0;

  async function* hanging() {
    try {
      yield 1;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      yield 2;
    } finally {
      cleaned += 1;
    }
  }

  @Injectable()
  class HangingService {
    @UseInterceptors({ intercept: (_, next) => next.handle().pipe(timeout(20)) })
    @StreamingMethod()
    timed() {
      return hanging();
    }

    @UseInterceptors({ intercept: (_, next) => next.handle() })
    @StreamingMethod()
    passed() {
      return hanging();
    }
  }

  it.each(['timed', 'passed'] as const)(
    'keeps nobody waiting behind an interceptor (%s), and its place until it wakes',
    async (name) => {
      cleaned = 0;
      const { connect, server } = await startApp({ providers: [HangingService] });
      const { hanging: endpoint } = connect<{ hanging: HangingService }>();
      const items: number[] = [];
      const reading = (async () => {
        for await (const item of endpoint[name]()) {
          items.push(item);
          if (name === 'passed') break;
        }
      })();
      await reading.catch(() => undefined);
      expect([items, cleaned, server.callCount]).toEqual([[1], 0, 1]);
      wake();
      await until(() => server.callCount === 0);
      expect(cleaned).toBe(1);
    },
  );
});

it('metadata that is no class is not taken for one', async () => {
  @Controller()
  class OddController {
    @StreamingMethod()
    run(color: unknown, items: unknown, _session: unknown): string {
      return `${color} ${items}`;
    }
  }
  // As compilers write an imported enum, a type of another file, and nothing at all.
  const types = [{ red: 'RED', RED: 0 }, 'Items', null];
  Reflect.defineMetadata('design:paramtypes', types, OddController.prototype, 'run');
  Reflect.defineMetadata('design:returntype', { red: 'RED' }, OddController.prototype, 'run');
  const { connect } = await startApp({
    controllers: [OddController],
    configure: (app) => app.useGlobalPipes(new ValidationPipe({ transform: true })),
  });
  expect(await connect<{ odd: OddController }>().odd.run('RED', 1, null)).toBe('RED 1');
});

/** Only where the process allows it, which it does from here on. */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  (vm.runInNewContext('gc') as () => void)();
}
