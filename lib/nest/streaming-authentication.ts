import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RevocationLog } from '../auth/auth-revocation.js';
import { Authentications } from '../auth/authentications.js';
import { Authenticator } from '../auth/authenticator.js';
import type { ConnectionAuthentication } from '../auth/connection-authentication.js';
import { BusDriver } from '../bus/bus-driver.js';
import type { ClusterLog } from '../bus/cluster-log.js';
import type { ServerPeer } from '../server/call.js';
import { atMost } from './at-most.js';
import { AuthLog } from './auth-log.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './streaming-options.js';

/** The authentications of this process, and its place in the cluster's log of revocations. */
@Injectable()
export class StreamingAuthentication implements RevocationLog {
  readonly #connections = new WeakMap<ServerPeer, ConnectionAuthentication>();
  #all: Authentications | undefined;
  #log: ClusterLog | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly driver: BusDriver,
    private readonly log: AuthLog,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** Whether anybody can be authenticated. */
  get isOn(): boolean {
    return this.options.authenticator !== undefined;
  }

  /** Whether guarded calls are opened and written; `undefined` where nobody is authenticated. */
  get isCurrent(): boolean | undefined {
    return this.#all?.isCurrent;
  }

  /**
   * Begins, before the first connection: applies the revocations that are kept. A log that can't
   * be reached in time is no reason not to start: guarded calls are refused until it is there.
   */
  async open(): Promise<void> {
    if (!this.isOn) return;
    // Only now: what the authenticator needs may need what is made of this class.
    const authenticator = this.moduleRef.get<Authenticator>(Authenticator);
    this.#all = this.#create(authenticator);
    const { startup, startupTimeoutMs } = this.options.bus;
    const { ready } = this.#member();
    if (startup !== 'wait') await atMost(ready, startupTimeoutMs);
    else ready.catch(() => {});
  }

  /** Who is at the other end; `undefined` where nobody is authenticated. */
  of(connection: ServerPeer): ConnectionAuthentication | undefined {
    return this.#all === undefined ? undefined : this.#connections.get(connection);
  }

  /** A client presented credentials, or that it has none. */
  presented(connection: ServerPeer): void {
    const known = this.#connections.get(connection);
    if (known !== undefined) return known.present(connection.credentials);
    const who = this.#all?.open(connection);
    if (who === undefined) return;
    this.#connections.set(connection, who);
    connection.guardFlush(() => who.mayFlush);
    who.present(connection.credentials);
  }

  /** The connection is gone. */
  gone(connection: ServerPeer): void {
    this.#connections.get(connection)?.close();
  }

  /** For `AuthRevocation`; works without an authenticator, too: others may have one. */
  append(entry: string): Promise<void> {
    return this.#member().append(entry);
  }

  /** Leaves the log, so that nobody waits for this server. The bus is still open. */
  async close(): Promise<void> {
    await this.#log?.close();
  }

  #create(authenticator: Authenticator): Authentications {
    const { authenticatorTimeoutMs, failuresPerConnection, revocationTtlMs } = this.options.auth;
    return new Authentications({
      authenticate: (credentials, request) => authenticator.authenticate(credentials, request),
      timeoutMs: authenticatorTimeoutMs,
      failuresPerConnection,
      revocationTtlMs,
      hooks: this.log,
      isCurrent: () => this.#log?.isCurrent === true,
    });
  }

  #member(): ClusterLog {
    const { leaseMs, revocationTtlMs } = this.options.auth;
    this.#log ??= this.driver.openLog({
      name: 'revocations',
      leaseMs,
      retentionMs: revocationTtlMs,
      apply: (entry, at) => this.#all?.apply(entry, at),
      lost: () => this.#lost(),
      regained: (isWhole) => this.#regained(isWhole),
    });
    return this.#log;
  }

  #lost(): void {
    if (this.#all === undefined) return;
    this.#all.suspend();
    this.log.lost();
  }

  #regained(isWhole: boolean): void {
    if (this.#all === undefined) return;
    this.#all.resume(isWhole);
    this.log.regained(isWhole);
  }
}
