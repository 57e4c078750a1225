import {
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  ParseIntPipe,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_GUARD, REQUEST, Reflector } from '@nestjs/core';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Arg,
  BaseStreamingExceptionFilter,
  type Injected,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { failure, startApp } from './app.js';

const Roles = Reflector.createDecorator<string[]>();
const Label = Reflector.createDecorator<string, string>({ transform: (text) => `<${text}>` });
const Plain = (text: string) => SetMetadata('plain', text);

/** What the parts of the pipeline saw of a call's context. */
const seen: Record<string, unknown> = {};

beforeEach(() => {
  for (const key of Object.keys(seen)) delete seen[key];
});

function look(context: ExecutionContext) {
  const [ws, http] = [context.switchToWs(), context.switchToHttp()];
  const session = ws.getClient<StreamingSession>();
  return {
    type: context.getType(),
    class: context.getClass().name,
    handler: context.getHandler().name,
    isSession: session instanceof StreamingSession,
    method: `${session.endpoint}.${session.method}`,
    isRequest: http.getRequest() === session && context.getArgByIndex(0) === session,
    data: ws.getData(),
    pattern: ws.getPattern(),
    args: context.getArgs().slice(1),
  };
}

@Injectable()
class MetadataGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    seen['guard'] = look(context);
    seen['metadata'] = {
      own: this.reflector.get(Roles, context.getHandler()),
      override: this.reflector.getAllAndOverride(Roles, targets),
      merge: this.reflector.getAllAndMerge(Roles, targets),
      label: this.reflector.get(Label, context.getHandler()),
      plain: this.reflector.getAllAndOverride('plain', targets),
    };
    return true;
  }
}

@Injectable()
class LookingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    seen['interceptor'] = look(context);
    return next.handle();
  }
}

@Catch()
class LookingFilter extends BaseStreamingExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost) {
    seen['filter'] = look(host as ExecutionContext);
    return super.catch(error, host);
  }
}

const Looking = createParamDecorator((_: undefined, context: ExecutionContext) => {
  seen['decorator'] = look(context);
  return 'looked';
});

const Header = createParamDecorator((name: string, context: ExecutionContext) => {
  return context.switchToHttp().getRequest<StreamingSession>().headers[name];
});

const Later = createParamDecorator(async (value: unknown) => value);

@Roles(['class'])
@Plain('class')
@Injectable()
class ParentService {
  @Roles(['method'])
  @Label('label')
  @UseGuards(MetadataGuard)
  @UseInterceptors(LookingInterceptor)
  @UseFilters(LookingFilter)
  @StreamingMethod({ name: 'look' })
  looking(a: number, @Looking() looked: Injected<string>, b: string): never {
    throw new Error(`${a} ${looked} ${b}`);
  }
}

@Injectable()
class ContextService extends ParentService {}

describe('the context of a call', () => {
  it('is the same for guards, interceptors, parameter decorators and filters', async () => {
    const { connect } = await startApp({ providers: [ContextService] });
    const { context } = connect<{ context: { look(a: number, b: string): Promise<void> } }>();
    await failure(context.look(1, 'b'));
    const expected = {
      type: 'ws',
      class: 'ContextService',
      handler: 'looking',
      isSession: true,
      method: 'context.look',
      isRequest: true,
      data: [1, 'b'],
      pattern: 'context.look',
      args: [[1, 'b'], 'context.look'],
    };
    for (const part of ['guard', 'interceptor', 'decorator', 'filter']) {
      expect([part, seen[part]]).toEqual([part, expected]);
    }
  });

  it('has the metadata of the method and its class', async () => {
    const { connect } = await startApp({ providers: [ContextService] });
    await failure(connect<{ context: { look(): Promise<void> } }>().context.look());
    expect(seen['metadata']).toEqual({
      own: ['method'],
      override: ['method'],
      merge: ['method', 'class'],
      label: '<label>',
      plain: 'class',
    });
  });
});

describe('a parameter decorator', () => {
  @Injectable()
  class Base {
    readonly number = 40;
  }

  @Injectable()
  class AddPipe implements PipeTransform {
    constructor(private readonly base: Base) {}

    transform(value: number, { type, data }: ArgumentMetadata): unknown {
      seen['pipe'] = [type, data];
      return value + this.base.number;
    }
  }

  const classPipe: PipeTransform = {
    transform(value, { type }) {
      seen['types'] = [...((seen['types'] as string[]) ?? []), type];
      return value;
    },
  };

  @UsePipes(classPipe)
  @Injectable()
  class DecoratedService {
    @StreamingMethod()
    sum(
      @Header('x-count', ParseIntPipe, AddPipe) count: Injected<number>,
      @Arg(ParseIntPipe) more: number,
      @Later(1, new ParseIntPipe()) one: Injected<number>,
    ): number {
      return count + more + one;
    }
  }

  it('has pipes: its own, made by Nest, and those of the class', async () => {
    const { app } = await startApp({ providers: [Base, DecoratedService] });
    const call = async (count: string) => {
      const headers = { 'x-count': count };
      const client = createTestingClient<{ decorated: DecoratedService }>(app, { headers });
      try {
        return await client.decorated.sum('3' as never);
      } finally {
        await client.close();
      }
    };
    expect(await call('2')).toBe(46);
    expect(seen['pipe']).toEqual(['custom', 'x-count']);
    expect((seen['types'] as string[]).sort()).toEqual(['body', 'custom', 'custom']);
    expect(await failure(call('two'))).toMatchObject({
      code: 'invalid-argument',
      message: 'Validation failed (numeric string is expected)',
    });
  });
});

describe('@Inject(REQUEST)', () => {
  let sessions: unknown[] = [];

  @Injectable({ scope: Scope.REQUEST })
  class Tenant {
    constructor(@Inject(REQUEST) readonly session: StreamingSession) {}
  }

  @Injectable({ scope: Scope.REQUEST })
  class ScopedGuard implements CanActivate {
    constructor(
      @Inject(REQUEST) private readonly session: StreamingSession,
      private readonly tenant: Tenant,
    ) {}

    canActivate(context: ExecutionContext): boolean {
      sessions.push(this.session, this.tenant.session, context.switchToWs().getClient());
      this.session.user = 'of the guard';
      return true;
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class ScopedPipe implements PipeTransform {
    constructor(@Inject(REQUEST) private readonly session: StreamingSession) {}

    transform(value: unknown): unknown {
      sessions.push(this.session);
      return value;
    }
  }

  @Injectable()
  class ScopedService {
    constructor(private readonly tenant: Tenant) {}

    @StreamingMethod()
    user(@StreamSession() session: StreamingSession, @Arg(ScopedPipe) _value: number): unknown {
      sessions.push(session, this.tenant.session);
      return this.tenant.session.user;
    }
  }

  it('is the session, one for all that is made for a call', async () => {
    const { connect } = await startApp({
      providers: [Tenant, ScopedService, { provide: APP_GUARD, useClass: ScopedGuard }],
    });
    const { scoped } = connect<{ scoped: ScopedService }>();
    const calls: unknown[] = [];
    for (const value of [1, 2]) {
      sessions = [];
      expect(await scoped.user(value)).toBe('of the guard');
      expect(sessions).toHaveLength(6);
      expect(new Set(sessions).size).toBe(1);
      expect(sessions[0]).toBeInstanceOf(StreamingSession);
      calls.push(sessions[0]);
    }
    expect(calls[0]).not.toBe(calls[1]);
  });
});
