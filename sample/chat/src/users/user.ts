/** Somebody who may sign in. */
export interface User {
  readonly id: string;
  readonly name: string;
  /** What signing in gives: a moderator has the scope `moderator`. */
  readonly scopes: readonly string[];
  /** What `hashPassword()` gave. */
  readonly passwordHash: string;
}

export function isModerator({ scopes }: Pick<User, 'scopes'>): boolean {
  return scopes.includes('moderator');
}
