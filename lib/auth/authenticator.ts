import type { AuthenticationInfo } from './authentication-info.js';

/** What is known of a client before it has proved anything: from its WebSocket handshake. */
export interface AuthenticationRequest {
  /** The headers, in lower case; `cookie` only where the page's origin may use it. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The client's address, or the nearest proxy's. */
  readonly remoteAddress: string | undefined;
}

/** Finds out who a client is. The application extends it and names it as `authenticator`. */
export abstract class Authenticator {
  /**
   * Called once for each time a client presents credentials: when it connects, and when it renews
   * them. `credentials` is what the client's `credentials` function gave; `null` when it gave none,
   * which may still be somebody, by a cookie.
   *
   * Resolves with who it is, or `null` for nobody. An exception of Nest's keeps its meaning for the
   * calls that need to know; anything else it throws counts as `null`, and stands in the log.
   */
  abstract authenticate(
    credentials: string | null,
    request: AuthenticationRequest,
  ): Promise<AuthenticationInfo | null>;
}
