import {
  Body,
  Controller,
  createParamDecorator,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  Scope,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  Arg,
  Endpoint,
  Serializable,
  StreamingMethod,
  StreamingModule,
  StreamingSession,
  StreamParam,
  StreamSession,
} from '../../lib/index.js';
import { connectTo, failure, startApp } from './app.js';

type AnyClient = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>;

async function call(metadata: ModuleMetadata, path: string, ...args: unknown[]): Promise<unknown> {
  const { connect } = await startApp(metadata);
  const [endpoint = '', method = ''] = path.split('.');
  return connect<AnyClient>()[endpoint]?.[method]?.(...args);
}

/** Why an application doesn't start. */
async function refusal(metadata: ModuleMetadata): Promise<string> {
  return (await failure(startApp(metadata))).message;
}

@Injectable()
class Plain {
  @StreamingMethod()
  who(): string {
    return 'plain';
  }
}

describe('an endpoint', () => {
  it.each([
    ['GreeterController', 'greeter'],
    ['GreeterEndpoint', 'greeter'],
    ['GreeterService', 'greeter'],
    ['GreeterGateway', 'greeter'],
    ['GreeterStreams', 'greeter'],
    ['ChatGreeterService', 'chatGreeter'],
    ['Greeter', 'greeter'],
    ['Service', 'service'],
  ])('of the class %s is called %s', async (className, endpoint) => {
    const named = { [className]: class extends Plain {} }[className];
    if (named === undefined) throw new Error();
    expect(await call({ providers: [named] }, `${endpoint}.who`)).toBe('plain');
  });

  it('is called what @Endpoint() says, and a method what its option says', async () => {
    @Endpoint('people')
    @Injectable()
    class Renamed {
      @StreamingMethod({ name: 'greet' })
      hello(): string {
        return 'hello';
      }
    }
    expect(await call({ providers: [Renamed] }, 'people.greet')).toBe('hello');
  });
});

describe('a streaming method is found', () => {
  it('in a controller, and in a provider of a module that is imported', async () => {
    @Controller()
    class LocalController {
      @StreamingMethod()
      where(): string {
        return 'controller';
      }
    }
    @Module({ providers: [Plain] })
    class FeatureModule {}
    const { connect } = await startApp({
      imports: [FeatureModule],
      controllers: [LocalController],
    });
    const client = connect<{ local: LocalController; plain: Plain }>();
    expect([await client.local.where(), await client.plain.who()]).toEqual(['controller', 'plain']);
  });

  it('in a class that inherits it', async () => {
    @Injectable()
    class Child extends Plain {}
    expect(await call({ providers: [Child] }, 'child.who')).toBe('plain');
  });

  it('not when the method that overrides it has no decorator', async () => {
    @Injectable()
    class Child extends Plain {
      override who(): string {
        return 'hidden';
      }
    }
    const error = await failure(call({ providers: [Child] }, 'child.who'));
    expect(error).toMatchObject({ code: 'not-found' });
  });

  it('with its own parameters when it overrides another', async () => {
    @Injectable()
    class Parent {
      @StreamingMethod()
      add(@StreamSession() _session: StreamingSession, amount: number): string {
        return `parent ${amount}`;
      }
    }
    @Injectable()
    class Child extends Parent {
      @StreamingMethod()
      override add(amount: unknown, @StreamSession() session: unknown): string {
        return `child ${amount} ${session instanceof StreamingSession}`;
      }
    }
    const { connect } = await startApp({ providers: [Parent, Child] });
    const client = connect<AnyClient>();
    expect(await client['parent']?.['add']?.(1)).toBe('parent 1');
    expect(await client['child']?.['add']?.(2)).toBe('child 2 true');
  });

  it('in what useClass, useValue and useFactory provide, once for an alias', async () => {
    for (const provider of [
      { provide: 'TOKEN', useClass: Plain },
      { provide: 'TOKEN', useValue: new Plain() },
      { provide: 'TOKEN', useFactory: async () => new Plain() },
    ]) {
      const alias = { provide: 'ALIAS', useExisting: 'TOKEN' };
      expect(await call({ providers: [provider, alias] }, 'plain.who')).toBe('plain');
    }
  });
});

describe('an instance', () => {
  class Counting {
    count = 0;

    @StreamingMethod()
    next(): number {
      this.count += 1;
      return this.count;
    }
  }

  it.each([
    ['default', Scope.DEFAULT, [1, 2, 3]],
    ['request', Scope.REQUEST, [1, 1, 1]],
    ['transient', Scope.TRANSIENT, [1, 1, 1]],
  ])('of %s scope is shared as any provider', async (_, scope, expected) => {
    @Injectable({ scope })
    class CountingService extends Counting {}
    @Controller({ scope })
    class CountedController extends Counting {}
    const { connect } = await startApp({
      providers: [CountingService],
      controllers: [CountedController],
    });
    const client = connect<{ counting: Counting; counted: Counting }>();
    const counted: number[] = [];
    const counting: number[] = [];
    for (const _call of expected) {
      counted.push(await client.counted.next());
      counting.push(await client.counting.next());
    }
    expect([counted, counting]).toEqual([expected, expected]);
  });

  it('of a class that depends on a request-scoped one is new for each call', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Dependency {
      constructor(@Inject(REQUEST) readonly session: StreamingSession) {}
    }
    @Injectable()
    class DependentService {
      constructor(private readonly dependency: Dependency) {}

      @StreamingMethod()
      ids(@StreamSession() session: StreamingSession): boolean {
        return this.dependency.session === session;
      }
    }
    expect(await call({ providers: [Dependency, DependentService] }, 'dependent.ids')).toBe(true);
  });

  it('of request scope may come from a factory whose token is the class', async () => {
    const factory = { provide: Plain, scope: Scope.REQUEST, useFactory: () => new Plain() };
    expect(await call({ providers: [factory] }, 'plain.who')).toBe('plain');
  });

  it('that cannot be made fails its call', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class BrokenService {
      constructor() {
        throw new Error('a secret');
      }

      @StreamingMethod()
      run(): void {}
    }
    const error = await failure(call({ providers: [BrokenService] }, 'broken.run'));
    expect(error).toMatchObject({ code: 'internal', id: expect.any(String) });
    expect(error.message).not.toContain('secret');
  });
});

describe('the start fails with a sentence', () => {
  it('for two methods of one name', async () => {
    @Endpoint('plain')
    @Injectable()
    class Other {
      @StreamingMethod({ name: 'who' })
      other(): void {}
    }
    expect(await refusal({ providers: [Plain, Other] })).toMatch(
      /^Two streaming methods are called "plain\.who": Plain\.who of \w+ and Other\.other of \w+\./,
    );
  });

  it('for one class in two modules', async () => {
    @Module({ providers: [Plain] })
    class OneModule {}
    @Module({ providers: [Plain] })
    class OtherModule {}
    expect(await refusal({ imports: [OneModule, OtherModule] })).toMatch(
      /Plain\.who of OneModule and Plain\.who of OtherModule/,
    );
  });

  it.each(['', 'a.b', 'then', 'status', 'close'])('for an endpoint called "%s"', async (name) => {
    @Endpoint(name)
    @Injectable()
    class Odd extends Plain {}
    expect(await refusal({ providers: [Odd] })).toMatch(
      `The endpoint of Odd.who can't be called "${name}"`,
    );
  });

  it('for a method no client could await beside', async () => {
    @Injectable()
    class Odd {
      @StreamingMethod({ name: 'then' })
      odd(): void {}
    }
    expect(await refusal({ providers: [Odd] })).toMatch(
      `The method Odd.odd can't be called "then"`,
    );
  });

  it('for a generator that is not async', async () => {
    @Injectable()
    class Odd {
      @StreamingMethod()
      *odd() {
        yield 1;
      }
    }
    expect(await refusal({ providers: [Odd] })).toMatch('write async *odd');
  });

  it('for a session without its decorator, and a decorator without the session', async () => {
    @Injectable()
    class Forgotten {
      @StreamingMethod()
      odd(_a: number, _session: StreamingSession): void {}
    }
    @Injectable()
    class Mistaken {
      @StreamingMethod()
      odd(@StreamSession() _session: string): void {}
    }
    expect(await refusal({ providers: [Forgotten] })).toBe(
      'Forgotten.odd, parameter 2, is a StreamingSession: give it @StreamSession().',
    );
    expect(await refusal({ providers: [Mistaken] })).toMatch(
      'Mistaken.odd, parameter 1, has @StreamSession() and is declared as String',
    );
  });

  it('for a decorator that does not fit its parameter', async () => {
    @Injectable()
    class NoStream {
      @StreamingMethod()
      odd(@StreamParam(() => Number) _numbers: number[]): void {}
    }
    @Injectable()
    class NoSession {
      @StreamingMethod()
      odd(@StreamParam() _session: StreamingSession): void {}
    }
    @Injectable()
    class NoArgument {
      @StreamingMethod()
      odd(_a: string, @Arg() _session: StreamingSession): void {}
    }
    @Injectable()
    class NoValue {
      @StreamingMethod()
      odd(@Arg() _items: ReadableStream<number>): void {}
    }
    const session = 'is a StreamingSession: give it @StreamSession().';
    expect(await refusal({ providers: [NoStream] })).toBe(
      'NoStream.odd, parameter 1, has @StreamParam() and is declared as Array: declare it as AsyncIterable, Observable or ReadableStream.',
    );
    expect(await refusal({ providers: [NoSession] })).toBe(
      `NoSession.odd, parameter 1, ${session}`,
    );
    expect(await refusal({ providers: [NoArgument] })).toBe(
      `NoArgument.odd, parameter 2, ${session}`,
    );
    expect(await refusal({ providers: [NoValue] })).toBe(
      'NoValue.odd, parameter 1, has @Arg() and is declared as ReadableStream, a stream: give it @StreamParam().',
    );
  });

  it('for two decorators on one parameter', async () => {
    const User = createParamDecorator(() => 'user');
    @Injectable()
    class Ours {
      @StreamingMethod()
      odd(@Arg() @StreamParam() _items: AsyncIterable<number>): void {}
    }
    @Injectable()
    class Both {
      @StreamingMethod()
      odd(_a: string, @User() @StreamSession() _session: StreamingSession): void {}
    }
    const sentence = 'has two decorators that each say what it is: leave one out.';
    expect(await refusal({ providers: [Ours] })).toBe(`Ours.odd, parameter 1, ${sentence}`);
    expect(await refusal({ providers: [Both] })).toBe(`Both.odd, parameter 2, ${sentence}`);
  });

  it('for a method whose own decorator was forgotten', async () => {
    @Injectable()
    class Forgotten {
      odd(@StreamParam() _items: AsyncIterable<number>): void {}
    }
    expect(await refusal({ providers: [Forgotten] })).toBe(
      'Forgotten.odd has parameters of a streaming method and is none: give it @StreamingMethod().',
    );
  });

  it('for an option that there is not', async () => {
    @Injectable()
    class Odd {
      @StreamingMethod({ overflows: 'latest' } as never)
      odd(): void {}
    }
    expect(await refusal({ providers: [Odd] })).toBe(
      'Odd.odd has an unknown option, overflows: there are name, yields, overflow.',
    );
  });

  it('for a parameter decorator of HTTP', async () => {
    @Controller()
    class OddController {
      @StreamingMethod()
      odd(@Body() _body: unknown): void {}
    }
    expect(await refusal({ controllers: [OddController] })).toMatch(
      /^OddController\.odd has a parameter decorator for HTTP or gateways/,
    );
  });

  it('for an overflow that there is not', async () => {
    @Injectable()
    class Odd {
      @StreamingMethod({ overflow: 'dropAll' as never })
      odd(): void {}
    }
    expect(await refusal({ providers: [Odd] })).toBe(
      'Odd.odd has an unknown overflow, dropAll: there are error, dropOldest, dropNewest, latest.',
    );
  });

  it('for an element type that can not cross the wire', async () => {
    class Unknown {}
    @Serializable('DiscoveryKnown')
    class Known {}
    @Injectable()
    class Input {
      @StreamingMethod()
      odd(@StreamParam(() => [Known, Unknown]) _input: AsyncIterable<unknown>): void {}
    }
    @Injectable()
    class Output {
      @StreamingMethod({ yields: () => Unknown })
      async *odd() {}
    }
    @Injectable()
    class NoThunk {
      @StreamingMethod()
      odd(@StreamParam(Known as never) _input: AsyncIterable<unknown>): void {}
    }
    expect(await refusal({ providers: [Input] })).toBe(
      'Input.odd, parameter 1, names Unknown, which needs @Serializable().',
    );
    expect(await refusal({ providers: [Output] })).toBe(
      'Output.odd, yields, names Unknown, which needs @Serializable().',
    );
    expect(await refusal({ providers: [NoThunk] })).toMatch('must name its type by a thunk');
  });

  it('when StreamingModule is imported twice', async () => {
    for (const again of [StreamingModule, StreamingModule.forRoot({ path: '/other' })]) {
      expect(await refusal({ imports: [again] })).toMatch('is imported more than once');
    }
  });

  it('for a decorator on something that is no method', () => {
    expect(() => {
      class Odd {
        @StreamingMethod()
        get odd(): number {
          return 1;
        }
      }
      return Odd;
    }).toThrow('@StreamingMethod() belongs on a method with a name, not on odd.');
  });
});

it('leaves the methods of other classes alone', async () => {
  const { port } = await startApp({ providers: [{ provide: 'NULL', useValue: null }, Plain] });
  expect(await connectTo<{ plain: Plain }>(port).plain.who()).toBe('plain');
});
