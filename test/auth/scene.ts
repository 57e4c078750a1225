import type { Redis } from 'ioredis';
import type { AuthRevocation } from '../../lib/index.js';
import { GRANTS, type Kind, pause, type Stage, sharedNow, type Token } from './token.js';

/** How a revocation ended. */
export interface Revoked {
  /** When its promise had resolved, by the shared clock. */
  readonly endedAt: number;
  /** Why it was rejected. */
  readonly error?: string;
}

/** What one server knows of the races: who shall be revoked when, and how that went. */
export class Scene {
  revocation: AuthRevocation | undefined;
  readonly #grants: Redis;
  readonly #tokens = new Map<string, Token>();
  /** The first revocation of each user here. */
  readonly #revoked = new Map<string, Promise<Revoked>>();
  readonly #waiting = new Map<string, (revoked: Promise<Revoked>) => void>();

  /** @param grants a way to Redis of its own, which is never cut */
  constructor(grants: Redis) {
    this.#grants = grants;
  }

  /** Somebody came with it. */
  meet(token: Token): void {
    this.#tokens.set(token.user, token);
  }

  tokenOf(user: string): Token {
    return this.#tokens.get(user) ?? { user, grant: 0 };
  }

  async isGranted({ user, grant }: Token): Promise<boolean> {
    return (await this.#grants.hget(GRANTS, user)) === String(grant);
  }

  /** A call has come to a stage of its life, which may be that at which its user is to be revoked. */
  reached(stage: Stage, user: string): void {
    const { revoke } = this.tokenOf(user);
    if (revoke?.at !== stage || this.#revoked.has(user)) return;
    void this.revoke(user, revoke.kind, revoke.afterMs);
  }

  /** What the user has is taken, then revoked; once. */
  revoke(user: string, kind: Kind, afterMs: number): Promise<Revoked> {
    const revoked = this.#revokeAfter(user, kind, afterMs);
    this.#revoked.set(user, revoked);
    this.#waiting.get(user)?.(revoked);
    return revoked;
  }

  /** Resolves when the user was revoked here. */
  revoked(user: string): Promise<Revoked> {
    const revoked = this.#revoked.get(user);
    if (revoked !== undefined) return revoked;
    return new Promise((resolve) => this.#waiting.set(user, resolve));
  }

  async #revokeAfter(user: string, kind: Kind, afterMs: number): Promise<Revoked> {
    await pause(afterMs);
    try {
      await this.#grants.hdel(GRANTS, user);
      await this.#take(user, kind);
      return { endedAt: sharedNow() };
    } catch (error) {
      return { endedAt: sharedNow(), error: String(error) };
    }
  }

  #take(user: string, kind: Kind): Promise<void> | undefined {
    if (kind === 'user') return this.revocation?.revokeUser(user);
    if (kind === 'auth') return this.revocation?.revokeAuthId(user, 1);
    return this.revocation?.revokeScopes(user, ['draw']);
  }
}
