import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Injectable,
  Req,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { describe, expect, it } from 'vitest';
import {
  type Injected,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { collect, failure, type Platform, startApp } from '../nest/app.js';

interface User {
  readonly id: number;
  readonly name: string;
}

/** As Nest's documentation has it. */
@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: 'secret',
    });
  }

  validate(payload: { sub: number; name: string }): User {
    return { id: payload.sub, name: payload.name };
  }
}

const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest().user,
);

@Controller('notes')
class NotesController {
  started = 0;

  @UseGuards(AuthGuard('jwt'))
  @StreamingMethod()
  async *list(@StreamSession() session: StreamingSession<User>, count: number) {
    this.started += 1;
    for (let i = 1; i <= count; i++) yield `${i} ${session.user?.name}`;
  }

  @UseGuards(AuthGuard('jwt'))
  @StreamingMethod()
  me(@CurrentUser() user: Injected<User>): User {
    return user;
  }

  @UseGuards(AuthGuard('jwt'))
  @Get()
  http(@Req() request: { user: User }): User {
    return request.user;
  }
}

/** Says what was wrong with the token. */
@Injectable()
class TellingGuard extends AuthGuard('jwt') {
  override handleRequest<T>(error: unknown, user: T, info: Error | undefined): T {
    if (error || !user) throw new UnauthorizedException(info?.message ?? 'Sign in first.');
    return user;
  }
}

@Injectable()
class StrictService {
  @UseGuards(TellingGuard)
  @StreamingMethod()
  run(@StreamSession() session: StreamingSession<User>): string {
    return String(session.user?.name);
  }
}

const imports = [PassportModule, JwtModule.register({ secret: 'secret' })];
const metadata = { imports, controllers: [NotesController], providers: [JwtStrategy] };
type Client = { notes: NotesController; strict: StrictService };

const ANN = { sub: 1, name: 'Ann' };

describe.each<Platform>(['express', 'fastify'])("AuthGuard('jwt') on %s", (platform) => {
  it('admits with the credentials of the client, and sets the user', async () => {
    const { app, connect } = await startApp({ platform, ...metadata });
    const token = app.get(JwtService).sign(ANN);
    const { notes } = connect<Client>({ credentials: () => token });
    expect(await collect(notes.list(2))).toEqual(['1 Ann', '2 Ann']);
    expect(await notes.me()).toEqual({ id: 1, name: 'Ann' });
  });

  it('guards HTTP routes of the same controller as ever', async () => {
    const { app, port } = await startApp({ platform, ...metadata });
    const authorization = `Bearer ${app.get(JwtService).sign(ANN)}`;
    const get = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}/notes`, { headers: { connection: 'close', ...headers } });
    expect(await (await get({ authorization })).json()).toEqual({ id: 1, name: 'Ann' });
    expect((await get({})).status).toBe(401);
  });
});

describe("AuthGuard('jwt')", () => {
  it.each([
    ['none', () => null],
    ['nonsense', () => 'nonsense'],
    ['a foreign token', () => new JwtService({ secret: 'other' }).sign(ANN)],
    [
      'an expired token',
      () => new JwtService({ secret: 'secret' }).sign({ ...ANN, exp: 1_000_000_000 }),
    ],
    [
      'a good token under another scheme',
      () => `Basic ${new JwtService({ secret: 'secret' }).sign(ANN)}`,
    ],
  ])('refuses %s as unauthenticated, and the handler never starts', async (_, credentials) => {
    const { app, connect } = await startApp(metadata);
    const { notes } = connect<Client>({ credentials });
    for (const call of [notes.list(1), notes.me()]) {
      expect(await failure(call)).toMatchObject({
        code: 'unauthenticated',
        message: 'Unauthorized',
      });
    }
    expect(app.get(NotesController).started).toBe(0);
  });

  it('extended with a handleRequest() of your own tells what that says', async () => {
    const { connect } = await startApp({ ...metadata, providers: [JwtStrategy, StrictService] });
    const call = (credentials: string | null) =>
      connect<Client>({ credentials: () => credentials }).strict.run();
    expect(await failure(call(null))).toMatchObject({ message: 'No auth token' });
    expect(await failure(call('nonsense'))).toMatchObject({ message: 'jwt malformed' });
    expect(await call(new JwtService({ secret: 'secret' }).sign(ANN))).toBe('Ann');
  });

  it('sees the newest credentials of a connection at each call', async () => {
    const { app, connect } = await startApp(metadata);
    let name = 'Ann';
    const client = connect<Client>({
      credentials: () => app.get(JwtService).sign({ sub: 1, name }),
    });
    const kept = client.notes.list(1_000_000)[Symbol.asyncIterator]();
    expect((await kept.next()).value).toBe('1 Ann');
    name = 'Bea';
    await client.refreshCredentials();
    expect(await client.notes.me()).toEqual({ id: 1, name: 'Bea' });
    expect((await kept.next()).value).toBe('2 Ann');
    await kept.return?.();
  });

  it('as APP_GUARD, by the default strategy, guards every streaming method', async () => {
    const { app, connect } = await startApp({
      ...metadata,
      imports: [...imports, PassportModule.register({ defaultStrategy: 'jwt' })],
      providers: [JwtStrategy, { provide: APP_GUARD, useClass: AuthGuard() }, OpenService],
    });
    const token = app.get(JwtService).sign(ANN);
    expect(await connect<{ open: OpenService }>({ credentials: () => token }).open.run()).toBe(1);
    expect(await failure(connect<{ open: OpenService }>().open.run())).toMatchObject({
      code: 'unauthenticated',
    });
  });
});

@Injectable()
class OpenService {
  @StreamingMethod()
  run(): number {
    return 1;
  }
}
