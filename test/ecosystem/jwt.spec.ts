import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { describe, expect, it } from 'vitest';
import { StreamingMethod, StreamingSession, StreamSession } from '../../lib/index.js';
import { collect, failure, startApp } from '../nest/app.js';

/** The guard of Nest's documentation, as it stands there. */
@Injectable()
class AuthGuard implements CanActivate {
  constructor(private readonly jwtService: JwtService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest();
    const token = this.extractTokenFromHeader(request);
    if (!token) throw new UnauthorizedException();
    try {
      request.user = await this.jwtService.verifyAsync(token);
    } catch {
      throw new UnauthorizedException();
    }
    return true;
  }

  private extractTokenFromHeader(request: StreamingSession): string | undefined {
    const [type, token] = String(request.headers['authorization'] ?? '').split(' ');
    return type === 'Bearer' ? token : undefined;
  }
}

interface Payload {
  readonly sub: number;
  readonly room: string;
}

@Injectable()
class RoomService {
  constructor(private readonly jwt: JwtService) {}

  /** Gives a ticket for one room, to be handed on as an argument. */
  @UseGuards(AuthGuard)
  @StreamingMethod()
  invite(@StreamSession() session: StreamingSession<Payload>, room: string): Promise<string> {
    return this.jwt.signAsync({ sub: session.user?.sub, room }, { expiresIn: '1m' });
  }

  @StreamingMethod()
  async *enter(ticket: string) {
    const { room } = await this.verify(ticket);
    yield `in ${room}`;
  }

  private async verify(ticket: string): Promise<Payload> {
    try {
      return await this.jwt.verifyAsync<Payload>(ticket);
    } catch {
      throw new UnauthorizedException('The ticket is not valid.');
    }
  }
}

const imports = [JwtModule.register({ secret: 'secret' })];
const providers = [RoomService];

describe('JwtService', () => {
  it("in a user's own guard admits with a good token, and refuses without", async () => {
    const { app, connect } = await startApp({ imports, providers });
    const jwt = app.get(JwtService);
    const call = (token: string | null) =>
      connect<{ room: RoomService }>({ credentials: () => token }).room.invite('attic');
    expect(jwt.verify<Payload>(await call(jwt.sign({ sub: 7 })))).toMatchObject({
      sub: 7,
      room: 'attic',
    });
    for (const bad of [null, 'nonsense', jwt.sign({ sub: 7 }, { expiresIn: -1 })]) {
      expect(await failure(call(bad))).toMatchObject({ code: 'unauthenticated' });
    }
  });

  it('in a provider verifies what a client sends as an argument', async () => {
    const { app, connect } = await startApp({ imports, providers });
    const { room } = connect<{ room: RoomService }>();
    const ticket = app.get(JwtService).sign({ sub: 7, room: 'attic' });
    expect(await collect(room.enter(ticket))).toEqual(['in attic']);
    expect(await failure(room.enter('nonsense'))).toMatchObject({
      code: 'unauthenticated',
      message: 'The ticket is not valid.',
    });
  });
});
