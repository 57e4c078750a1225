/** Moments in the life of a call at which its server can be told to revoke its user. */
export type Stage =
  | 'asked'
  | 'answering'
  | 'guarding'
  | 'started'
  | 'flowing'
  | 'full'
  | 'received';

/** What is taken from a user: all of it, the sign-in of a token, or the scope that `drawings` needs. */
export type Kind = 'user' | 'auth' | 'scopes';

export interface Trigger {
  readonly at: Stage;
  /** How long after that, in ms. */
  readonly afterMs: number;
  readonly kind: Kind;
}

/** What a client presents: who it is, and what the server it comes to shall do with its calls. */
export interface Token {
  readonly user: string;
  /** What the user was granted last: a token of an older grant is worth nothing. */
  readonly grant: number;
  /** In ms since the epoch; with it the token is taken for good without a look at the grants. */
  readonly issuedAt?: number;
  /** How long the authenticator takes once it knows its answer. */
  readonly authenticatorMs?: number;
  /** The same of the application's own guard. */
  readonly guardMs?: number;
  /** Before the first item. */
  readonly firstMs?: number;
  /** Between so many items and the next ones. */
  readonly pauseMs?: number;
  readonly burst?: number;
  /** How much is added to each item. */
  readonly paddingBytes?: number;
  /** Once, at the first of these moments. */
  readonly revoke?: Trigger;
}

/** Where the grants stand in Redis, in a hash by user. */
export const GRANTS = 'grants';

/** A call's name begins with its user. */
export function userOf(call: string): string {
  return call.slice(0, call.indexOf('/'));
}

/** What stands in each item of a call, so that it is found in what goes to the sockets. */
export function itemText(call: string, n: number): string {
  return `<${call}#${n}>`;
}

export const ITEM_TEXT = /<([^<>#]+)#(\d+)>/g;

/** By the clock that all processes of the machine share; in ms. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Waits so many ms; less than one is some turns of the microtasks. */
export async function pause(ms: number): Promise<void> {
  if (ms >= 1) return new Promise((resolve) => setTimeout(resolve, ms));
  for (let turns = ms * 20; turns > 0; turns--) await Promise.resolve();
}
