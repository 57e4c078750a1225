import type { AuthHooks } from './auth-hooks.js';
import type { AuthenticationInfo } from './authentication-info.js';
import type { AuthenticationRequest } from './authenticator.js';

/** What the authentications of a process are made of. */
export interface AuthenticationsOptions {
  /** Who the client is; `null` for nobody. It may throw. Asked once per presentation. */
  authenticate(
    credentials: string | null,
    request: AuthenticationRequest,
  ): Promise<AuthenticationInfo | null>;
  /** How long a revocation is kept, in ms: as long as a token may live. */
  readonly revocationTtlMs: number;
  /** How long the authenticator may take, in ms. */
  readonly timeoutMs: number;
  /** After how many failed presentations a connection is closed. */
  readonly failuresPerConnection: number;
  readonly hooks: AuthHooks;
  /** Whether this process knows of every revocation, as of a lease ago at most. */
  isCurrent(): boolean;
}
