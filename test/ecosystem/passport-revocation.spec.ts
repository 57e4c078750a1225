import { Controller, Injectable, Post, Req, UseGuards } from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { describe, expect, it } from 'vitest';
import {
  type AuthenticationInfo,
  Authenticator,
  AuthRevocation,
  RequireLogin,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { failure, type Platform, startApp, until } from '../nest/app.js';
import { Reading } from '../nest/auth-app.js';

interface Claims {
  readonly sub: number;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}

interface User {
  readonly id: number;
  readonly jti: string;
}

/** As Nest's documentation has it. */
@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: 'secret' });
  }

  validate({ sub, jti }: Claims): User {
    return { id: sub, jti };
  }
}

@Injectable()
class JwtAuthenticator extends Authenticator {
  constructor(private readonly jwt: JwtService) {
    super();
  }

  async authenticate(credentials: string | null): Promise<AuthenticationInfo | null> {
    if (credentials === null) return null;
    const { sub, jti, iat, exp } = await this.jwt.verifyAsync<Claims>(credentials);
    const [issuedAt, expiresAt] = [new Date(iat * 1_000), new Date(exp * 1_000)];
    return { userId: sub, authId: jti, issuedAt, expiresAt };
  }
}

@Controller('notes')
class NotesController {
  @UseGuards(AuthGuard('jwt'))
  @StreamingMethod()
  async *list(@StreamSession() session: StreamingSession<User>) {
    for (let i = 0; !session.signal.aborted; i++) {
      yield `${i} of ${session.user?.id}`;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  @UseGuards(AuthGuard('jwt'), RequireLogin)
  @StreamingMethod()
  both(@StreamSession() session: StreamingSession<User>) {
    return [session.user?.id, session.auth?.userId];
  }

  @StreamingMethod()
  async *news() {
    for (let i = 0; ; i++) {
      yield `news ${i}`;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

@Controller('auth')
class AuthController {
  constructor(private readonly revocation: AuthRevocation) {}

  /** Signs out this device; with `everywhere` all of them. */
  @UseGuards(AuthGuard('jwt'))
  @Post('logout')
  async logOut(@Req() request: { user: User; query: { everywhere?: string } }): Promise<void> {
    const { id, jti } = request.user;
    if (request.query.everywhere === undefined) await this.revocation.revokeAuthId(id, jti);
    else await this.revocation.revokeUser(id);
  }
}

interface Client {
  notes: NotesController;
}

const jwt = new JwtService({ secret: 'secret', signOptions: { expiresIn: '1h' } });
const tokenOf = (sub: number, jti: string) => jwt.sign({ sub, jti });

function start(platform: Platform) {
  return startApp({
    platform,
    options: { authenticator: JwtAuthenticator },
    imports: [PassportModule, JwtModule.register({ secret: 'secret' })],
    controllers: [NotesController, AuthController],
    providers: [JwtStrategy],
  });
}

function logOut(port: number, token: string, query = ''): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, connection: 'close' };
  return fetch(`http://127.0.0.1:${port}/auth/logout${query}`, { method: 'POST', headers });
}

async function flowing(...readings: Reading[]): Promise<void> {
  const before = readings.map((it) => it.items.length);
  await until(() => readings.every((it, i) => it.items.length > (before[i] ?? 0) + 2));
}

describe.each<Platform>(['express', 'fastify'])(
  "AuthGuard('jwt') beside an authenticator, on %s",
  (platform) => {
    it("ends the calls of a device that the app's own controller logs out, and no others", async () => {
      const { connect, port } = await start(platform);
      const [phone, laptop] = [tokenOf(1, 'phone'), tokenOf(1, 'laptop')];
      const onPhone = connect<Client>({ credentials: () => phone });
      const onLaptop = connect<Client>({ credentials: () => laptop });
      const [list, news] = [new Reading(onPhone.notes.list()), new Reading(onPhone.notes.news())];
      const other = new Reading(onLaptop.notes.list());
      await flowing(list, news, other);
      expect(await onPhone.notes.both()).toEqual([1, 1]);

      expect((await logOut(port, phone)).status).toBe(201);
      await list.over;
      expect(list.end).toMatchObject({ code: 'revoked', data: { kind: 'auth' } });
      await flowing(news, other);
      expect(other.items).toEqual(other.items.map((_, i) => `${i} of 1`));

      const again = connect<Client>({ credentials: () => phone });
      expect(await failure(again.notes.list())).toMatchObject({ code: 'unauthenticated' });
      expect(await failure(onPhone.notes.both())).toMatchObject({ code: 'unauthenticated' });
    });

    it('ends the calls of all devices of a user; tokens of before do not come back', async () => {
      const { connect, port } = await start(platform);
      const tokens = [tokenOf(1, 'phone'), tokenOf(1, 'laptop')];
      const stranger = new Reading(
        connect<Client>({ credentials: () => tokenOf(2, 'x') }).notes.list(),
      );
      const lists = tokens.map(
        (it) => new Reading(connect<Client>({ credentials: () => it }).notes.list()),
      );
      await flowing(stranger, ...lists);
      await logOut(port, tokens[0] ?? '', '?everywhere=1');
      await Promise.all(lists.map((it) => it.over));
      for (const { end } of lists) expect(end).toMatchObject({ code: 'revoked' });
      await flowing(stranger);
      const again = connect<Client>({ credentials: () => tokens[1] ?? '' });
      expect(await failure(again.notes.list())).toMatchObject({ code: 'unauthenticated' });
    });
  },
);
