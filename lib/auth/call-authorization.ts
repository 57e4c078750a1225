import { StreamError } from '../protocol/stream-error.js';
import type { AuthMember, Change } from './auth-member.js';
import type { ConnectionAuthentication } from './connection-authentication.js';
import type { RevocationKind } from './revocation.js';

/** The call behind an authorization. */
export interface GuardedCall {
  /** No item of it is written until `release` was called as often. */
  hold(): void;
  release(): void;
  /** Ends it with this error, unless it is over. */
  fail(error: unknown): void;
  /** Runs a function when it is over; at once when it is. */
  onOver(run: () => void): void;
}

/** Whether one call may run: its guards' answer, as long as it runs. */
export class CallAuthorization implements AuthMember {
  readonly #call: GuardedCall;
  readonly #who: ConnectionAuthentication;
  /** Asks the guards; rejects with why they said no. */
  readonly #ask: () => Promise<void>;
  #state: 'opening' | 'admitted' | 'over' = 'opening';
  #change: Change | undefined;
  /** Whom it runs for: nobody else who signs in on the connection gets its items. */
  #user: string | undefined;
  #isAsking = false;
  #isHeld = false;
  #isSuspended = false;

  constructor(call: GuardedCall, who: ConnectionAuthentication, ask: () => Promise<void>) {
    this.#call = call;
    this.#who = who;
    this.#ask = ask;
  }

  /** Whether items of it may be under way. */
  get mayWrite(): boolean {
    return this.#state === 'admitted' && !this.#isHeld && !this.#isSuspended;
  }

  /**
   * Asks the guards before the handler starts: of who it is now, and again for as long as that
   * changes. From the first question on the call is known to whoever revokes.
   *
   * @throws what a guard threw; StreamError `revoked`, `unauthenticated` or `unavailable`
   */
  async admit(): Promise<void> {
    const presented = this.#who.presented;
    await this.#who.settled();
    if (this.#who.hasRefused(presented)) throw credentialsRefused();
    this.#who.add(this);
    this.#call.onOver(() => this.#over());
    await this.#askUntilSettled(() => this.#admitted());
  }

  /** Who it is has changed. When it returns, nothing is written before the guards said yes. */
  changed(change: Change): void {
    // What was taken says more than that something is gone.
    if (this.#change?.why !== 'revoked' || change.why !== 'expired') this.#change = change;
    if (this.#state !== 'admitted') return;
    if (change.why !== 'renewed') this.#hold();
    if (!this.#isAsking) void this.#askAgain();
  }

  /** Revocations may be missing: nothing is written until `resume`. */
  suspend(): void {
    if (this.#isSuspended || this.#state === 'over') return;
    this.#isSuspended = true;
    this.#call.hold();
  }

  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#call.release();
  }

  async #askAgain(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#askUntilSettled(() => this.#release());
    } catch (error) {
      this.#isAsking = false;
      this.#call.fail(error);
    }
  }

  #admitted(): void {
    if (this.#state !== 'opening') return;
    if (!this.#who.isCurrent) throw unavailable();
    this.#state = 'admitted';
    this.#change = undefined;
  }

  /**
   * Until the guards have answered for who it is now. What follows a yes runs in the same turn: one
   * turn later it might be somebody else.
   */
  async #askUntilSettled(allowed: () => void): Promise<void> {
    for (let asked = Number.NaN; asked !== this.#who.version && this.#state !== 'over'; ) {
      // Credentials that were renewed in time are being looked at.
      if (this.#change?.why === 'expired') await this.#who.settled();
      asked = this.#who.version;
      await this.#askOnce(asked);
    }
    allowed();
  }

  /** A no to who it no longer is, is no answer. */
  async #askOnce(version: number): Promise<void> {
    try {
      this.#checkUser();
      await this.#ask();
    } catch (error) {
      if (version === this.#who.version) throw this.#denial(error);
    }
  }

  #checkUser(): void {
    const { info } = this.#who;
    if (info === null) return;
    const user = String(info.userId);
    this.#user ??= user;
    if (user !== this.#user) throw credentialsRefused();
  }

  #denial(error: unknown): unknown {
    const change = this.#change;
    if (change?.why === 'revoked') return revoked(change.by);
    if (change?.why === 'expired') return expired();
    return error;
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#call.hold();
  }

  #release(): void {
    this.#isAsking = false;
    if (this.#state !== 'admitted') return;
    this.#change = undefined;
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#call.release();
  }

  #over(): void {
    this.#who.remove(this);
    this.#state = 'over';
  }
}

function revoked(by: RevocationKind): StreamError {
  const message = 'The authentication of this call was revoked.';
  return new StreamError('revoked', message, { data: { kind: by } });
}

function expired(): StreamError {
  return new StreamError('unauthenticated', 'The authentication of this call has expired.');
}

/** Who presented credentials of another user must not be served as the first one. */
function credentialsRefused(): StreamError {
  const message = 'The credentials do not belong to the user of this connection.';
  return new StreamError('unauthenticated', message);
}

function unavailable(): StreamError {
  const message = 'The server can not check for revocations at the moment.';
  return new StreamError('unavailable', message);
}
