import { Injectable } from '@nestjs/common';
import { type AuthenticationInfo, Authenticator } from 'nestjs-streaming';
import { TokensService } from './tokens.service.js';

/** Who streams: whoever the access token says. A bad one is nobody's. */
@Injectable()
export class TokenAuthenticator extends Authenticator {
  constructor(private readonly tokens: TokensService) {
    super();
  }

  async authenticate(credentials: string | null): Promise<AuthenticationInfo | null> {
    return credentials === null ? null : this.tokens.verify(credentials);
  }
}
