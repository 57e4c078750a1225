import type { AuthenticationInfo } from './authentication-info.js';
import { concerns, leftOf, type Revocation, type RevocationKind } from './revocation.js';

interface Kept {
  readonly revocation: Revocation;
  /** When it was recorded, in ms since the epoch. */
  readonly at: number;
  /** Its place among those this process applied. */
  readonly order: number;
}

/** What the revocations have left of an authentication. */
export interface Remainder {
  readonly info: AuthenticationInfo | null;
  /** The last one that took something; `undefined` where none did. */
  readonly revokedBy: RevocationKind | undefined;
}

/**
 * The revocations of as long as a token may live. An authentication is looked at when it is there,
 * after it can be found by those to come: between the two nothing slips through.
 */
export class KeptRevocations {
  readonly #ttlMs: number;
  readonly #byUser = new Map<string, Kept[]>();
  /** In the order they came, which is the order they are forgotten in. */
  readonly #all = new Set<Kept>();
  #applied = 0;

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** How many were applied so far: what an authentication notes when it begins. */
  get applied(): number {
    return this.#applied;
  }

  add(revocation: Revocation, at: number): void {
    this.#forgetBefore(Date.now() - this.#ttlMs);
    this.#applied += 1;
    const kept = { revocation, at, order: this.#applied };
    this.#all.add(kept);
    const ofUser = this.#byUser.get(revocation.userId);
    if (ofUser === undefined) this.#byUser.set(revocation.userId, [kept]);
    else ofUser.push(kept);
  }

  /**
   * What is left of an authentication. One that the authenticator gave when it could know of a
   * revocation already stands, unless it shows itself that it is older.
   *
   * @param since how many were applied when the authenticator was asked
   */
  leftOf(info: AuthenticationInfo, since: number): Remainder {
    let left: AuthenticationInfo | null = info;
    let revokedBy: RevocationKind | undefined;
    for (const kept of this.#byUser.get(String(info.userId)) ?? []) {
      if (left === null) break;
      if (!applies(kept, info, since) || !concerns(kept.revocation, left)) continue;
      left = leftOf(left, kept.revocation);
      revokedBy = kept.revocation.kind;
    }
    return { info: left, revokedBy };
  }

  #forgetBefore(time: number): void {
    for (const kept of this.#all) {
      if (kept.at >= time) return;
      this.#all.delete(kept);
      this.#forget(kept);
    }
  }

  #forget(kept: Kept): void {
    const { userId } = kept.revocation;
    const left = this.#byUser.get(userId)?.filter((other) => other !== kept) ?? [];
    if (left.length === 0) this.#byUser.delete(userId);
    else this.#byUser.set(userId, left);
  }
}

function applies(kept: Kept, info: AuthenticationInfo, since: number): boolean {
  if (kept.order > since) return true;
  if (kept.revocation.kind === 'auth') return true;
  return info.issuedAt !== undefined && info.issuedAt.getTime() <= kept.at;
}
