import type { AuthPeer } from './auth-peer.js';
import type { AuthenticationsOptions } from './authentications-options.js';
import { type AuthRealm, ConnectionAuthentication } from './connection-authentication.js';
import { KeptRevocations } from './kept-revocations.js';
import { parseEntry } from './revocation.js';

/** The authentications of a process's connections, by their users, and what was taken from them. */
export class Authentications implements AuthRealm {
  readonly options: AuthenticationsOptions;
  readonly revocations: KeptRevocations;
  readonly #connections = new Set<ConnectionAuthentication>();
  readonly #byUser = new Map<string, Set<ConnectionAuthentication>>();
  #isSuspended = false;

  constructor(options: AuthenticationsOptions) {
    this.options = options;
    this.revocations = new KeptRevocations(options.revocationTtlMs);
  }

  /** Whether guarded calls may be opened and written. */
  get isCurrent(): boolean {
    return !this.#isSuspended && this.options.isCurrent();
  }

  /** Begins with a connection; its `close` ends it. */
  open(peer: AuthPeer): ConnectionAuthentication {
    const connection = new ConnectionAuthentication(peer, this);
    this.#connections.add(connection);
    return connection;
  }

  close(connection: ConnectionAuthentication): void {
    this.#connections.delete(connection);
  }

  /** Under which user a connection is found from now on. */
  index(connection: ConnectionAuthentication, user: string): void {
    const ofUser = this.#byUser.get(user);
    if (ofUser === undefined) this.#byUser.set(user, new Set([connection]));
    else ofUser.add(connection);
  }

  unindex(connection: ConnectionAuthentication, user: string): void {
    const ofUser = this.#byUser.get(user);
    if (ofUser?.delete(connection) && ofUser.size === 0) this.#byUser.delete(user);
  }

  /**
   * Takes in an entry of the cluster's log. When it returns, no call that it concerns writes an
   * item: their guards are being asked again.
   *
   * @throws TypeError for what is not an entry.
   */
  apply(entry: string, at: number): void {
    const revocation = parseEntry(entry);
    this.revocations.add(revocation, at);
    for (const connection of [...(this.#byUser.get(revocation.userId) ?? [])]) {
      connection.revoke(revocation);
    }
  }

  /** Revocations may be missing: guarded calls rest. */
  suspend(): void {
    this.#isSuspended = true;
    for (const connection of this.#connections) connection.suspend();
  }

  /**
   * All revocations are applied: guarded calls go on.
   *
   * @param isWhole false when some may have been lost for ever: everyone is authenticated again
   */
  resume(isWhole: boolean): void {
    this.#isSuspended = false;
    for (const connection of [...this.#connections]) connection.resume(isWhole);
  }
}
