import type { AuthenticationRequest } from './authenticator.js';

/** The connection behind an authentication. */
export interface AuthPeer extends AuthenticationRequest {
  /** Asks the client to present fresh credentials. */
  askCredentials(): void;
  /** Asks the client to open its next calls on another connection. */
  drain(): void;
  /** Sends what was gathered, now. */
  flush(): void;
  /** Closes the connection: too many presentations failed. */
  refuse(): void;
}
