import type { AuthPeer } from '../auth-peer.js';
import type { AuthenticationInfo } from '../authentication-info.js';
import { Authentications } from '../authentications.js';
import type { AuthenticationsOptions } from '../authentications-options.js';
import { CallAuthorization } from '../call-authorization.js';
import type { ConnectionAuthentication } from '../connection-authentication.js';
import { type Revocation, toEntry } from '../revocation.js';

/** The authentications of a process whose tokens are a table. */
export class Room {
  readonly tokens = new Map<string, AuthenticationInfo>();
  readonly events: string[] = [];
  readonly all: Authentications;
  isCurrent = true;

  constructor(options: Partial<AuthenticationsOptions> = {}) {
    this.all = new Authentications({
      authenticate: async (credentials) => this.tokens.get(credentials ?? '') ?? null,
      revocationTtlMs: 60_000,
      timeoutMs: 1_000,
      failuresPerConnection: 3,
      isCurrent: () => this.isCurrent,
      hooks: {
        authenticatorFailed: () => this.events.push('authenticator failed'),
        refused: () => this.events.push('refused'),
        otherUser: () => this.events.push('other user'),
        tooManyFailures: () => this.events.push('too many failures'),
      },
      ...options,
    });
  }

  connect(credentials: string | null): ConnectionAuthentication {
    const connection = this.all.open(this.#peer());
    connection.present(credentials);
    return connection;
  }

  revoke(revocation: Revocation, at = Date.now()): void {
    this.all.apply(toEntry(revocation), at);
  }

  #peer(): AuthPeer {
    return {
      headers: {},
      remoteAddress: undefined,
      askCredentials: () => this.events.push('ask credentials'),
      drain: () => this.events.push('drain'),
      flush: () => this.events.push('flush'),
      refuse: () => this.events.push('refuse'),
    };
  }
}

/** A call that notes what is done to it. */
export class NotedCall {
  readonly authorization: CallAuthorization;
  holds = 0;
  error: unknown;
  asked = 0;
  #over: (() => void)[] = [];

  constructor(who: ConnectionAuthentication, guard: () => boolean | Promise<boolean>) {
    const call = {
      hold: () => void this.holds++,
      release: () => void this.holds--,
      fail: (error: unknown) => this.fail(error),
      onOver: (run: () => void) => void this.#over.push(run),
    };
    this.authorization = new CallAuthorization(call, who, async () => {
      this.asked++;
      if (!(await guard())) throw new Error('The guard says no.');
    });
  }

  fail(error: unknown): void {
    this.error = error;
    this.end();
  }

  end(): void {
    for (const run of this.#over.splice(0)) run();
  }
}

/** Waits until nothing is left to settle. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
