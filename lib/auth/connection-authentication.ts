import { type Answer, askAuthenticator } from './ask-authenticator.js';
import type { AuthPeer } from './auth-peer.js';
import type { AuthenticationInfo } from './authentication-info.js';
import type { AuthenticationsOptions } from './authentications-options.js';
import { Expiry } from './expiry.js';
import type { KeptRevocations } from './kept-revocations.js';
import { concerns, leftOf, type Revocation, type RevocationKind } from './revocation.js';

/** Why a call's guards are asked again. */
export type Change =
  | { readonly why: 'revoked'; readonly by: RevocationKind }
  | { readonly why: 'expired' }
  | { readonly why: 'renewed' };

/** One guarded call of the connection. */
export interface AuthMember {
  /** Who it is has changed. */
  changed(change: Change): void;
  /** Revocations may be missing: nothing is written until `resume`. */
  suspend(): void;
  resume(): void;
}

/** What a connection needs of those of its process. */
export interface AuthRealm {
  readonly options: AuthenticationsOptions;
  readonly revocations: KeptRevocations;
  readonly isCurrent: boolean;
  index(connection: ConnectionAuthentication, user: string): void;
  unindex(connection: ConnectionAuthentication, user: string): void;
  close(connection: ConnectionAuthentication): void;
}

/** How often the authenticator is asked again because a revocation came while it worked. */
const MOST_TRIES = 3;

const NOBODY: Answer = { info: null };

/**
 * Who is at the other end of one connection. All its calls share it; it changes when the client
 * renews its credentials, when they expire, and when something is revoked.
 */
export class ConnectionAuthentication {
  readonly #peer: AuthPeer;
  readonly #all: AuthRealm;
  readonly #calls = new Set<AuthMember>();
  #credentials: string | null = null;
  #answer: Answer = NOBODY;
  #settling: Promise<void> | undefined;
  #expiry: Expiry | undefined;
  #isOpen = true;
  #isRevoked = false;
  /** Revocations may have been lost, so that what was known of the client counts no more. */
  #mustBeAsked = false;
  #failures = 0;
  #presented = 0;
  #refused = Number.POSITIVE_INFINITY;
  #version = 0;

  constructor(peer: AuthPeer, all: AuthRealm) {
    this.#peer = peer;
    this.#all = all;
  }

  /** Who it is, as of now; `null` for nobody. */
  get info(): AuthenticationInfo | null {
    return this.#answer.info;
  }

  /** Why the authenticator could not tell who it is. */
  get error(): unknown {
    return this.#answer.error;
  }

  /** What the client proves itself with; nothing once that was taken from it. */
  get credentials(): string | null {
    return this.#isRevoked ? null : this.#credentials;
  }

  /** Whether the authentication was taken away: cookies prove nothing any more, either. */
  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** Grows with each change of who it is. */
  get version(): number {
    return this.#version;
  }

  /** How often credentials were presented: what a call notes when it opens. */
  get presented(): number {
    return this.#presented;
  }

  /** Whether guarded calls may be written. */
  get isCurrent(): boolean {
    return this.#all.isCurrent;
  }

  /** Takes in credentials; those that come while the authenticator works replace each other. */
  present(credentials: string | null): void {
    this.#credentials = credentials;
    this.#presented += 1;
    this.#settling ??= this.#authenticate();
  }

  /** Resolves when the newest credentials are answered for; `undefined` when they are. */
  settled(): Promise<void> | undefined {
    return this.#settling;
  }

  /** Whether the connection refused the credentials that stood when a call opened. */
  hasRefused(presented: number): boolean {
    return presented >= this.#refused;
  }

  add(call: AuthMember): void {
    this.#calls.add(call);
  }

  remove(call: AuthMember): void {
    this.#calls.delete(call);
  }

  /** When it returns, no call that this concerns writes an item before its guards are asked. */
  revoke(revocation: Revocation): void {
    const { info } = this.#answer;
    if (info === null || !concerns(revocation, info)) return;
    this.#change({ info: leftOf(info, revocation) }, { why: 'revoked', by: revocation.kind });
    this.#peer.flush();
  }

  suspend(): void {
    for (const call of this.#calls) call.suspend();
    this.#peer.flush();
  }

  resume(isWhole: boolean): void {
    if (isWhole) return this.#resumeCalls();
    this.#mustBeAsked = true;
    this.present(this.#credentials);
    void this.#settling?.then(() => this.#resumeCalls());
  }

  /** The connection is gone. */
  close(): void {
    this.#isOpen = false;
    this.#become(NOBODY);
    this.#all.close(this);
  }

  async #authenticate(): Promise<void> {
    const { revocations } = this.#all;
    for (let tries = 1; this.#isOpen; tries++) {
      const presented = this.#presented;
      const since = revocations.applied;
      const answer = await askAuthenticator(this.#all.options, this.#credentials, this.#peer);
      if (presented !== this.#presented) continue;
      const left = answer.info === null ? NOBODY : revocations.leftOf(answer.info, since);
      const isStale = left.info !== answer.info && revocations.applied !== since;
      if (isStale && tries < MOST_TRIES) continue;
      this.#settling = undefined;
      if (this.#isOpen) this.#settle({ ...answer, info: left.info });
      return;
    }
  }

  #settle(answer: Answer): void {
    if (answer.info === null) this.#failed(answer);
    const before = this.#answer.info;
    const change: Change = { why: this.#mustBeAsked ? 'expired' : 'renewed' };
    if (before !== null && !this.#mustBeAsked && !this.#mayReplace(before, answer)) return;
    this.#mustBeAsked = false;
    this.#isRevoked = false;
    this.#change(answer, change);
  }

  #resumeCalls(): void {
    for (const call of this.#calls) call.resume();
  }

  #mayReplace(before: AuthenticationInfo, { info }: Answer): boolean {
    if (info === null && this.#credentials === null) return true;
    if (info !== null && String(info.userId) === String(before.userId)) return true;
    if (info !== null) this.#all.options.hooks.otherUser?.(this.#peer);
    this.#refused = Math.min(this.#refused, this.#presented);
    this.#peer.drain();
    return false;
  }

  #failed(answer: Answer): void {
    const { hooks, failuresPerConnection } = this.#all.options;
    if (answer.error !== undefined) hooks.authenticatorFailed?.(this.#peer, answer.error);
    if (this.#credentials === null) return;
    hooks.refused?.(this.#peer);
    this.#failures += 1;
    if (this.#failures < failuresPerConnection) return;
    hooks.tooManyFailures?.(this.#peer);
    this.#peer.refuse();
  }

  #change(answer: Answer, change: Change): void {
    this.#become(answer);
    for (const call of [...this.#calls]) call.changed(change);
  }

  #become(answer: Answer): void {
    const before = this.#answer.info;
    this.#version += 1;
    this.#answer = answer;
    if (before !== null && answer.info === null) this.#isRevoked = true;
    if (before !== null) this.#all.unindex(this, String(before.userId));
    if (answer.info !== null) this.#all.index(this, String(answer.info.userId));
    this.#watchExpiry(answer.info?.expiresAt);
  }

  #watchExpiry(expiresAt: Date | undefined): void {
    this.#expiry?.stop();
    if (expiresAt === undefined) return;
    this.#expiry = new Expiry(expiresAt, {
      soon: () => this.#peer.askCredentials(),
      over: () => this.#change(NOBODY, { why: 'expired' }),
    });
    this.#expiry.start();
  }
}
