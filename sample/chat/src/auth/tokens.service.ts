import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { AuthenticationInfo } from 'nestjs-streaming';
import type { User } from '../users/user.js';

interface Claims {
  readonly sub: string;
  /** The device. */
  readonly jti: string;
  readonly scopes: readonly string[];
  readonly iat: number;
  readonly exp: number;
}

/** Access tokens: they say who streams, last shortly, and are checked without asking anybody. */
@Injectable()
export class TokensService {
  constructor(private readonly jwt: JwtService) {}

  sign({ id, scopes }: User, deviceId: string): Promise<string> {
    return this.jwt.signAsync({ sub: id, scopes, jti: deviceId });
  }

  /** @throws an error of the JWT package for a token that isn't ours, or is over. */
  async verify(token: string): Promise<AuthenticationInfo> {
    const { sub, jti, scopes, iat, exp } = await this.jwt.verifyAsync<Claims>(token);
    return {
      userId: sub,
      authId: jti,
      scopes,
      issuedAt: new Date(iat * 1_000),
      expiresAt: new Date(exp * 1_000),
    };
  }
}
