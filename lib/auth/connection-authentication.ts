import { type Answer, askAuthenticator } from './ask-authenticator.js';
import type { AuthMember, Change } from './auth-member.js';
import type { AuthPeer } from './auth-peer.js';
import type { AuthenticationInfo } from './authentication-info.js';
import type { AuthenticationsOptions } from './authentications-options.js';
import { Expiry } from './expiry.js';
import type { KeptRevocations } from './kept-revocations.js';
import { concerns, leftOf, type Revocation } from './revocation.js';

/** What a connection needs of those of its process. */
export interface AuthRealm {
  readonly options: AuthenticationsOptions;
  readonly revocations: KeptRevocations;
  readonly isCurrent: boolean;
  index(connection: ConnectionAuthentication, user: string): void;
  unindex(connection: ConnectionAuthentication, user: string): void;
  close(connection: ConnectionAuthentication): void;
}

/** What became of the credentials of one presentation. */
interface Outcome extends Answer {
  readonly credentials: string | null;
  /** The authenticator knew somebody, of whom a revocation left nothing. */
  readonly isRevoked: boolean;
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
  /** What was presented last. */
  #newest: string | null = null;
  /** What the answer is for; `undefined` before the first. */
  #answered: string | null | undefined;
  #answer: Answer = NOBODY;
  #lastUser: string | undefined;
  #settling: Promise<void> | undefined;
  #expiry: Expiry | undefined;
  #isOpen = true;
  #isRevoked = false;
  /** A call that might write is over, and what it gave may not be sent yet. */
  #hasGathered = false;
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

  /** Who it is or was last, for the log. */
  get lastUser(): string | undefined {
    return this.#lastUser;
  }

  /**
   * What the client proves itself with: that of who it is, not what it presented since and was not
   * answered for, or was refused. Nothing once that was taken from it.
   */
  get credentials(): string | null {
    if (this.#isRevoked) return null;
    return this.#answered === undefined ? this.#newest : this.#answered;
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

  /** Whether guarded calls may be opened and written. */
  get isCurrent(): boolean {
    return this.#all.isCurrent;
  }

  /**
   * Whether what was gathered may be sent: items of guarded calls may be in it, of those that are
   * over since, too. Asked once for each time it is sent.
   */
  get mayFlush(): boolean {
    if (this.#calls.size === 0 && !this.#hasGathered) return true;
    if (this.#all.isCurrent) {
      this.#hasGathered = false;
      return true;
    }
    return !this.#hasGathered && ![...this.#calls].some((call) => call.mayWrite);
  }

  /** Takes in credentials; those that come while the authenticator works replace each other. */
  present(credentials: string | null): void {
    this.#newest = credentials;
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
    this.#hasGathered ||= call.mayWrite;
    this.#calls.delete(call);
  }

  /** When it returns, no call that this concerns writes an item before its guards are asked. */
  revoke(revocation: Revocation): void {
    const { info } = this.#answer;
    if (info === null || !concerns(revocation, info)) return;
    this.#change({ info: leftOf(info, revocation) }, { why: 'revoked', by: revocation.kind });
    this.#peer.flush();
  }

  /** What was gathered goes out first, or is thrown away: afterwards nothing guarded is in it. */
  suspend(): void {
    this.#peer.flush();
    for (const call of [...this.#calls]) call.suspend();
  }

  resume(isWhole: boolean): void {
    if (!isWhole) this.#askOnceMore();
    if (isWhole || this.#settling === undefined) return this.#resumeCalls();
    void this.#settling.then(() => this.#resumeCalls());
  }

  /** The connection is gone. */
  close(): void {
    this.#isOpen = false;
    this.#become(NOBODY);
    this.#all.close(this);
  }

  /** Whom it had taken for nobody, revoked ones too, it needn't ask about. */
  #askOnceMore(): void {
    const isAsking = this.#settling !== undefined;
    if (!isAsking && this.#answer.info === null) return;
    this.#mustBeAsked = true;
    this.present(isAsking ? this.#newest : (this.#answered ?? null));
  }

  async #authenticate(): Promise<void> {
    const { options, revocations } = this.#all;
    for (let tries = 1; this.#isOpen; tries++) {
      const presented = this.#presented;
      const credentials = this.#newest;
      const since = revocations.applied;
      const answer = await askAuthenticator(options, credentials, this.#peer);
      const { info } = answer.info === null ? NOBODY : revocations.leftOf(answer.info, since);
      const isStale = info !== answer.info && revocations.applied !== since;
      if (isStale && tries < MOST_TRIES) continue;
      if (info === null) this.#failed(credentials, answer);
      if (presented !== this.#presented) continue;
      this.#settling = undefined;
      const isRevoked = info === null && answer.info !== null;
      if (this.#isOpen) this.#settle({ ...answer, info, credentials, isRevoked });
      return;
    }
  }

  #settle(outcome: Outcome): void {
    const before = this.#answer.info;
    const change: Change = { why: this.#mustBeAsked ? 'expired' : 'renewed' };
    if (before !== null && !this.#mustBeAsked && !this.#mayReplace(before, outcome)) {
      return this.#refuse(outcome);
    }
    this.#mustBeAsked = false;
    this.#answered = outcome.credentials;
    this.#isRevoked = outcome.isRevoked;
    this.#change(outcome, change);
  }

  #resumeCalls(): void {
    for (const call of this.#calls) call.resume();
  }

  #mayReplace(before: AuthenticationInfo, { info, credentials }: Outcome): boolean {
    if (info === null) return credentials === null;
    return String(info.userId) === String(before.userId);
  }

  /** Its calls stay as they are; the client opens the next ones elsewhere, as who it is now. */
  #refuse({ info }: Outcome): void {
    if (info !== null) this.#all.options.hooks.otherUser?.(this.#peer);
    this.#refused = Math.min(this.#refused, this.#presented);
    this.#peer.drain();
  }

  #failed(credentials: string | null, { error }: Answer): void {
    const { hooks, failuresPerConnection } = this.#all.options;
    if (error !== undefined) hooks.authenticatorFailed?.(this.#peer, error, credentials);
    if (credentials === null) return;
    hooks.refused?.(this.#peer);
    this.#failures += 1;
    if (this.#failures !== failuresPerConnection) return;
    hooks.tooManyFailures?.(this.#peer);
    this.#peer.refuse();
  }

  #change(answer: Answer, change: Change): void {
    this.#become(answer);
    for (const call of [...this.#calls]) call.changed(change);
  }

  #become({ info, error }: Answer): void {
    const before = this.#answer.info;
    this.#version += 1;
    this.#answer = { info, error };
    if (before !== null && info === null) this.#isRevoked = true;
    if (before !== null) this.#all.unindex(this, String(before.userId));
    if (info !== null) {
      this.#lastUser = String(info.userId);
      this.#all.index(this, this.#lastUser);
    }
    this.#watchExpiry(info?.expiresAt);
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
