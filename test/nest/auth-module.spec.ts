import {
  Controller,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnModuleInit,
  Scope,
  UseGuards,
} from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  type AuthenticationInfo,
  Authenticator,
  AuthRevocation,
  RequireLogin,
  StreamingMethod,
  StreamingModule,
  type StreamingModuleOptions,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { afterTest, failure, listen } from './app.js';

@Controller()
class MeController {
  @UseGuards(RequireLogin)
  @StreamingMethod()
  id(@StreamSession() session: StreamingSession) {
    return session.auth?.userId;
  }
}

type Client = { me: MeController };

@Injectable()
class JwtAuthenticator extends Authenticator implements OnModuleInit {
  static inits = 0;

  constructor(private readonly jwt: JwtService) {
    super();
  }

  onModuleInit(): void {
    JwtAuthenticator.inits++;
  }

  async authenticate(credentials: string | null): Promise<AuthenticationInfo | null> {
    if (credentials === null) return null;
    const { sub } = await this.jwt.verifyAsync<{ sub: string }>(credentials);
    return { userId: sub };
  }
}

/** What needs what the module gives, which the authenticator needs in turn. */
@Injectable()
class LogOut {
  constructor(readonly revocation: AuthRevocation) {}
}

@Injectable()
class EntangledAuthenticator extends Authenticator {
  constructor(private readonly logOut: LogOut) {
    super();
  }

  async authenticate(): Promise<AuthenticationInfo | null> {
    return { userId: this.logOut.revocation instanceof AuthRevocation ? 'entangled' : 'odd' };
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedAuthenticator extends Authenticator {
  async authenticate(): Promise<AuthenticationInfo | null> {
    return null;
  }
}

const jwt = new JwtService({ secret: 'secret' });
const anyone = { authenticate: async () => ({ userId: 'anyone' }) };

function createModule(streaming: NonNullable<ModuleMetadata['imports']>[number], metadata = {}) {
  const given = metadata as ModuleMetadata;
  return Test.createTestingModule({
    ...given,
    imports: [JwtModule.register({ secret: 'secret' }), streaming, ...(given.imports ?? [])],
    controllers: [MeController],
  });
}

async function idOf(module: ReturnType<typeof createModule>): Promise<unknown> {
  const app = (await module.compile()).createNestApplication();
  const { connect } = await listen(app);
  const token = jwt.sign({ sub: 'anna' });
  return connect<Client>({ credentials: () => token }).me.id();
}

describe('The option authenticator', () => {
  it('takes a class, made once with what the importing module can inject', async () => {
    JwtAuthenticator.inits = 0;
    const streaming = StreamingModule.forRoot({ authenticator: JwtAuthenticator });
    expect(await idOf(createModule(streaming))).toBe('anna');
    expect(JwtAuthenticator.inits).toBe(1);
  });

  it.each([
    ['forRoot', StreamingModule.forRoot({ authenticator: JwtAuthenticator })],
    [
      'forRootAsync',
      StreamingModule.forRootAsync({ useFactory: () => ({ authenticator: JwtAuthenticator }) }),
    ],
  ])(
    'takes a class that a module provides: that instance is asked, by %s',
    async (_, streaming) => {
      JwtAuthenticator.inits = 0;
      const providers = [JwtAuthenticator];
      expect(await idOf(createModule(streaming, { providers }))).toBe('anna');
      expect(JwtAuthenticator.inits).toBe(1);
    },
  );

  it('takes a class from forRootAsync, made with what it imports, too', async () => {
    @Module({ providers: [{ provide: JwtService, useValue: jwt }], exports: [JwtService] })
    class KeysModule {}
    const streaming = StreamingModule.forRootAsync({
      imports: [KeysModule],
      useFactory: async () => ({ authenticator: JwtAuthenticator }),
    });
    const module = Test.createTestingModule({ imports: [streaming], controllers: [MeController] });
    expect(await idOf(module)).toBe('anna');
  });

  it('takes an instance, and what looks like one', async () => {
    for (const authenticator of [new JwtAuthenticator(jwt), anyone]) {
      const streaming = StreamingModule.forRoot({ authenticator });
      expect(await idOf(createModule(streaming))).toMatch(/anna|anyone/);
    }
  });

  it('takes an instance that a factory was injected', async () => {
    JwtAuthenticator.inits = 0;
    @Module({
      imports: [JwtModule.register({ secret: 'secret' })],
      providers: [JwtAuthenticator],
      exports: [JwtAuthenticator],
    })
    class AuthModule {}
    const streaming = StreamingModule.forRootAsync({
      imports: [AuthModule],
      inject: [JwtAuthenticator],
      useFactory: (authenticator: JwtAuthenticator) => ({ authenticator }),
    });
    expect(await idOf(createModule(streaming))).toBe('anna');
    expect(JwtAuthenticator.inits).toBe(1);
  });

  it('takes a class that needs what needs AuthRevocation', async () => {
    const streaming = StreamingModule.forRoot({ authenticator: EntangledAuthenticator });
    expect(await idOf(createModule(streaming, { providers: [LogOut] }))).toBe('entangled');
  });

  it('fails the start with a sentence for what can not be made', async () => {
    const missing = Test.createTestingModule({
      imports: [StreamingModule.forRoot({ authenticator: JwtAuthenticator })],
    });
    await expect(missing.compile()).rejects.toThrow(/JwtService/);
    const streaming = StreamingModule.forRootAsync({
      useFactory: () => ({ authenticator: ScopedAuthenticator }),
    });
    const scoped = createModule(streaming, { providers: [ScopedAuthenticator] });
    await expect(scoped.compile()).rejects.toThrow(/ScopedAuthenticator.*scope/);
  });
});

describe('The options of authentication', () => {
  it.each<[StreamingModuleOptions, string]>([
    [{ authenticator: class {} as never }, 'authenticator must be a class with a method'],
    [{ authenticator: 'jwt' as never }, 'authenticator must be a class with a method'],
    [{ auth: { lease: 1 } as never }, 'auth.lease is unknown'],
    [{ auth: { leaseMs: 10 } }, 'auth.leaseMs must be a whole number from 1000'],
    [{ auth: { leaseMs: 5_000, strict: true } }, 'auth.strict can not stand with leaseMs'],
    [
      { auth: { revocationTtlMs: 30_000 } },
      'auth.revocationTtlMs must be a whole number from 60000',
    ],
    [{ auth: { authenticatorTimeoutMs: 0 } }, 'auth.authenticatorTimeoutMs must be'],
    [{ auth: { failuresPerConnection: 0.5 } }, 'auth.failuresPerConnection must be'],
    [{ auth: { protectByDefault: 'yes' as never } }, 'auth.protectByDefault must be true or false'],
    [{ auth: { protectByDefault: true } }, 'auth.protectByDefault needs the option authenticator'],
  ])('are checked at the start: %o', (options, sentence) => {
    expect(() => StreamingModule.forRoot(options)).toThrow(
      `StreamingModule: the option ${sentence}`,
    );
  });
});

describe('createTestingClient, with an authenticator', () => {
  async function clientOf(module: ReturnType<typeof createModule>, token: string | null) {
    const app = (await module.compile()).createNestApplication();
    await app.init();
    afterTest(() => app.close());
    const client = createTestingClient<Client>(app, { credentials: () => token });
    afterTest(() => client.close());
    return { client };
  }

  const streaming = () => StreamingModule.forRoot({ authenticator: JwtAuthenticator });

  it('presents its credentials to it', async () => {
    const { client } = await clientOf(createModule(streaming()), jwt.sign({ sub: 'anna' }));
    expect(await client.me.id()).toBe('anna');
    const nobody = await clientOf(createModule(streaming()), null);
    expect(await failure(nobody.client.me.id())).toMatchObject({ code: 'unauthenticated' });
  });

  it.each([
    ['its class', JwtAuthenticator],
    ['Authenticator', Authenticator],
  ])('takes one that overrides it by %s', async (_, token) => {
    const module = createModule(streaming()).overrideProvider(token).useValue(anyone);
    const { client } = await clientOf(module, null);
    expect(await client.me.id()).toBe('anyone');
  });
});
