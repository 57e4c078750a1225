import { type Revocation, toEntry } from './revocation.js';

/** The log that every server of the cluster applies. */
export interface RevocationLog {
  /** Resolves when every server that is alive has applied the entry, or writes nothing protected. */
  append(entry: string): Promise<void>;
}

/**
 * Takes back what was granted, on every server at once. When the promise of one of these resolves,
 * no server writes another item of a call that it ends. Each rejects with a `BusUnavailableError`
 * when that can't be said: the servers that heard of it have applied it, and it may be repeated.
 *
 * The guards of the user's running calls are asked again, with what is left of the authentication;
 * a call whose guards say no ends with `revoked`.
 */
export class AuthRevocation {
  readonly #log: RevocationLog;

  /** Made by the module; inject it. */
  constructor(log: RevocationLog) {
    this.#log = log;
  }

  /** Takes everything from a user: every sign-in ends. */
  async revokeUser(userId: string | number): Promise<void> {
    await this.#append({ kind: 'user', userId: idOf(userId, 'userId') });
  }

  /** Ends one sign-in of a user: a device, a token. */
  async revokeAuthId(userId: string | number, authId: string | number): Promise<void> {
    const ids = { userId: idOf(userId, 'userId'), authId: idOf(authId, 'authId') };
    await this.#append({ kind: 'auth', ...ids });
  }

  /** Takes some scopes from every sign-in of a user. */
  async revokeScopes(userId: string | number, scopes: readonly string[]): Promise<void> {
    if (!Array.isArray(scopes) || !scopes.every(isScope)) {
      throw new TypeError('scopes must be an array of strings that are not empty.');
    }
    await this.#append({ kind: 'scopes', userId: idOf(userId, 'userId'), scopes });
  }

  #append(revocation: Revocation): Promise<void> {
    return this.#log.append(toEntry(revocation));
  }
}

function idOf(value: unknown, name: string): string {
  if ((typeof value === 'string' && value !== '') || Number.isFinite(value)) return String(value);
  throw new TypeError(`${name} must be a string that is not empty, or a number.`);
}

function isScope(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
