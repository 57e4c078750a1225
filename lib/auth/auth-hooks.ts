import type { AuthPeer } from './auth-peer.js';

/** What authentication tells of itself. Called synchronously; none of these may throw. */
export interface AuthHooks {
  /**
   * The authenticator threw, or took too long, or gave what is no answer. The credentials are there
   * to be taken out of what is told of the error.
   */
  authenticatorFailed?(peer: AuthPeer, error: unknown, credentials: string | null): void;
  /** A client presented credentials that authenticate nobody. */
  refused?(peer: AuthPeer): void;
  /** A client presented credentials of another user than its calls run for. */
  otherUser?(peer: AuthPeer): void;
  /** A connection was closed for too many failed presentations. */
  tooManyFailures?(peer: AuthPeer): void;
}
