/** Who a client is, as the application's authenticator found out. */
export interface AuthenticationInfo {
  readonly userId: string | number;
  /** Names one sign-in of the user: a device, a token. */
  readonly authId?: string | number;
  /** What this sign-in may do. @default none */
  readonly scopes?: readonly string[];
  /** When it ends by itself. @default never */
  readonly expiresAt?: Date;
}
