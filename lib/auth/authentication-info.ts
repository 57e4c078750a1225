/** Who a client is, as the application's authenticator found out. */
export interface AuthenticationInfo {
  /** The user; a number and its decimal text mean the same user. */
  readonly userId: string | number;
  /** Names one sign-in of the user: a device, a token. It is never given to another sign-in. */
  readonly authId?: string | number;
  /** What this sign-in may do. @default none */
  readonly scopes?: readonly string[];
  /** When it ends by itself. @default never */
  readonly expiresAt?: Date;
  /**
   * When it was issued: a JWT's `iat`. With it, what was issued before the user's revocation stays
   * refused for as long as the revocation is kept, even if the authenticator would still admit it.
   */
  readonly issuedAt?: Date;
}
