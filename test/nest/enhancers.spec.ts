import {
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  Scope,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { map } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Arg, StreamingMethod, StreamParam } from '../../lib/index.js';
import { collect, failure, startApp } from './app.js';

/** What ran, in order. */
const ran: string[] = [];

beforeEach(() => {
  ran.length = 0;
});

const SCOPES = [Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT] as const;
const LEVELS = ['global', 'app', 'class', 'method'] as const;
type Level = (typeof LEVELS)[number];

/** The four kinds of enhancers of one level and scope; each notes that it ran, and was made by Nest. */
function createEnhancers(level: Level, scope: Scope) {
  @Injectable()
  class Dependency {}

  @Injectable({ scope })
  class Guard implements CanActivate {
    constructor(@Inject(Dependency) private readonly dependency?: Dependency) {}

    canActivate(context: ExecutionContext): boolean {
      ran.push(`${level} guard ${this.dependency?.constructor.name} ${context.getType()}`);
      return true;
    }
  }

  @Injectable({ scope })
  class Interceptor implements NestInterceptor {
    constructor(@Inject(Dependency) private readonly dependency?: Dependency) {}

    intercept(_: ExecutionContext, next: CallHandler) {
      ran.push(`${level} interceptor ${this.dependency?.constructor.name}`);
      return next.handle().pipe(map((item: string) => `${item}, ${level}`));
    }
  }

  @Injectable({ scope })
  class Pipe implements PipeTransform {
    constructor(@Inject(Dependency) private readonly dependency?: Dependency) {}

    transform(value: unknown) {
      ran.push(`${level} pipe ${this.dependency?.constructor.name}`);
      return value;
    }
  }

  @Catch()
  @Injectable({ scope })
  class Filter implements ExceptionFilter {
    constructor(@Inject(Dependency) private readonly dependency?: Dependency) {}

    catch(error: Error) {
      ran.push(`${level} filter ${this.dependency?.constructor.name} ${error.message}`);
    }
  }
  return { Dependency, Guard, Interceptor, Pipe, Filter };
}

type Enhancers = ReturnType<typeof createEnhancers>;

function decorate(target: object, key: string | undefined, enhancers: Enhancers): void {
  const { Guard, Interceptor, Pipe, Filter } = enhancers;
  const decorators = [
    UseGuards(Guard),
    UseInterceptors(Interceptor),
    UsePipes(Pipe),
    UseFilters(Filter),
  ];
  for (const decorator of decorators) {
    if (key === undefined) (decorator as ClassDecorator)(target as Type);
    else {
      const { prototype } = target as Type;
      const descriptor = Object.getOwnPropertyDescriptor(prototype, key) as PropertyDescriptor;
      (decorator as MethodDecorator)(prototype, key, descriptor);
    }
  }
}

/** A class with enhancers on it and its method. */
function createHost(scope: Scope, ofClass: Enhancers, ofMethod: Enhancers): Type<Host> {
  @Injectable({ scope })
  class HostController {
    @StreamingMethod()
    async *run(text: string) {
      ran.push('handler');
      yield text;
    }

    @StreamingMethod()
    fail(): void {
      throw new Error('failed');
    }
  }
  decorate(HostController, undefined, ofClass);
  decorate(HostController, 'run', ofMethod);
  decorate(HostController, 'fail', ofMethod);
  return HostController;
}

interface Host {
  run(text: string): AsyncGenerator<string>;
  fail(): void;
}

function appProviders(enhancers: Enhancers) {
  return [
    enhancers.Dependency,
    { provide: APP_GUARD, useClass: enhancers.Guard },
    { provide: APP_INTERCEPTOR, useClass: enhancers.Interceptor },
    { provide: APP_PIPE, useClass: enhancers.Pipe },
    { provide: APP_FILTER, useClass: enhancers.Filter },
  ];
}

const cases = ['controller', 'provider'].flatMap((kind) =>
  SCOPES.flatMap((host) =>
    SCOPES.map((enhancer) => ({
      kind,
      host,
      enhancer,
      hostScope: Scope[host],
      enhancerScope: Scope[enhancer],
    })),
  ),
);

describe.each(cases)(
  'on a $kind of $hostScope scope, enhancers of $enhancerScope scope',
  ({ kind, host, enhancer }) => {
    async function start() {
      const [app, ofClass, ofMethod] = (['app', 'class', 'method'] as const).map((level) =>
        createEnhancers(level, enhancer),
      ) as [Enhancers, Enhancers, Enhancers];
      const global = createEnhancers('global', Scope.DEFAULT);
      const dependency = new global.Dependency();
      const hostClass = createHost(host, ofClass, ofMethod);
      const metadata: ModuleMetadata = {
        providers: [...appProviders(app), ofClass.Dependency, ofMethod.Dependency],
      };
      if (kind === 'controller') {
        Controller({ scope: host })(hostClass);
        metadata.controllers = [hostClass];
      } else metadata.providers?.push(hostClass);
      return startApp({
        ...metadata,
        configure: (application) => {
          application.useGlobalGuards(new global.Guard(dependency));
          application.useGlobalInterceptors(new global.Interceptor(dependency));
          application.useGlobalPipes(new global.Pipe(dependency));
          application.useGlobalFilters(new global.Filter(dependency));
        },
      });
    }

    it('run at every level, in the order Nest has', async () => {
      const { connect } = await start();
      const client = connect<{ host: Host }>();
      const levels = enhancer === Scope.DEFAULT ? ['app', 'global'] : ['global', 'app'];
      const order = [...levels, 'class', 'method'];
      const items = await collect(client.host.run('item'));
      expect(items).toEqual([['item', ...order.toReversed()].join(', ')]);
      expect(ran).toEqual([
        ...order.map((level) => `${level} guard Dependency ws`),
        ...order.map((level) => `${level} interceptor Dependency`),
        ...order.map((level) => `${level} pipe Dependency`),
        'handler',
      ]);
    });

    it('ask the filter nearest to the handler', async () => {
      const { connect } = await start();
      const error = await failure(connect<{ host: Host }>().host.fail());
      expect(error).toMatchObject({ code: 'internal' });
      expect(ran.filter((it) => it.includes('filter'))).toEqual([
        'method filter Dependency failed',
      ]);
    });
  },
);

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Open {
  @StreamingMethod()
  run(): void {}
}

function withScopedGuard(provider: Provider): ModuleMetadata {
  return { providers: [{ provide: APP_GUARD, useClass: ScopedGuard }, provider] };
}

describe('an enhancer Nest has no instance of fails the start', () => {
  @Injectable()
  class Guard implements CanActivate {
    canActivate(): boolean {
      return false;
    }
  }

  it('when the class is provided by a value or a factory', async () => {
    @Injectable()
    class Guarded {
      @UseGuards(Guard)
      @StreamingMethod()
      run(): void {}
    }
    const sentence = /^Guard on Guarded\.run would not run: .* Provide Guarded so/;
    for (const provider of [
      { provide: 'TOKEN', useValue: new Guarded() },
      { provide: 'TOKEN', useFactory: () => new Guarded() },
    ]) {
      expect((await failure(startApp({ providers: [provider] }))).message).toMatch(sentence);
    }
  });

  it('or runs, when the class is provided under another token (Nest 12 makes it, Nest 11 not)', async () => {
    @Injectable()
    class Guarded {
      @UseGuards(Guard)
      @StreamingMethod()
      run(): void {}
    }
    const calling = async () => {
      const { connect } = await startApp({ providers: [{ provide: 'TOKEN', useClass: Guarded }] });
      await connect<{ guarded: Guarded }>().guarded.run();
    };
    expect((await failure(calling())).message).toMatch(/^Forbidden resource$|would not run/);
  });

  it('when it is a pipe of a parameter', async () => {
    @Injectable()
    class Pipe implements PipeTransform {
      transform = (value: unknown) => value;
    }
    @Injectable()
    class Piped {
      @StreamingMethod()
      run(@Arg(Pipe) _value: string): void {}
    }
    const providers = [{ provide: 'TOKEN', useValue: new Piped() }];
    expect((await failure(startApp({ providers }))).message).toMatch(/^Pipe on Piped\.run would/);
  });

  it.each([
    ['factory', { provide: 'TOKEN', useFactory: () => new Open() }],
    ['value', { provide: Open, useValue: new Open() }],
  ])('when it is global, of request scope, and the class is provided by a %s', async (_, open) => {
    expect((await failure(startApp(withScopedGuard(open)))).message).toMatch(
      /^ScopedGuard is of request or transient scope and would not run on Open\.run/,
    );
  });

  it.each([
    ['factory', { provide: Open, useFactory: () => new Open() }],
    ['class', { provide: 'TOKEN', useClass: Open }],
  ])('but runs where Nest makes it (%s)', async (_, provider) => {
    const { connect } = await startApp(withScopedGuard(provider));
    const error = await failure(connect<{ open: Open }>().open.run());
    expect(error).toMatchObject({ code: 'permission-denied' });
  });
});

describe('pipes given as classes to parameters', () => {
  @Injectable()
  class Suffix {
    readonly text = '!';
  }

  @Injectable()
  class SuffixPipe implements PipeTransform {
    constructor(private readonly suffix: Suffix) {}

    transform(value: unknown): string {
      return `${value}${this.suffix.text}`;
    }
  }

  @Injectable()
  class PipedService {
    @StreamingMethod()
    async *run(
      @Arg(SuffixPipe) word: string,
      @StreamParam(undefined, SuffixPipe) words: AsyncIterable<string>,
    ) {
      yield word;
      yield* words;
    }
  }

  it('are made by Nest, for arguments and for the items of inputs', async () => {
    const { connect } = await startApp({ providers: [Suffix, PipedService] });
    const words = (async function* () {
      yield 'b';
      yield 'c';
    })();
    const { piped } = connect<{ piped: PipedService }>();
    expect(await collect(piped.run('a', words))).toEqual(['a!', 'b!', 'c!']);
  });
});
