import { AsyncResource } from 'node:async_hooks';
import type { AuthenticationInfo } from '../auth/authentication-info.js';
import type { ConnectionAuthentication } from '../auth/connection-authentication.js';
import type { MessageBus } from '../bus/message-bus.js';
import type { Messages } from '../bus/messages.js';
import type { INJECTED } from '../model/injected.js';
import type { ServerCall } from '../server/call.js';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The context of one call, on the server: what `@StreamSession()` gives a handler, what guards and
 * interceptors get from `context.switchToWs().getClient()`, and what `@Inject(REQUEST)` gives.
 */
export class StreamingSession<User = unknown, Data = unknown> {
  /** Marks the type as one that takes no place among the client's arguments. */
  declare readonly [INJECTED]?: true;
  /** Unique in this process; every call has its own. */
  readonly id: string;
  /** The endpoint's name, as the client called it. */
  readonly endpoint: string;
  /** The method's name, as the client called it. */
  readonly method: string;
  /** Whom a guard found; guards written for HTTP set it. */
  user: User | undefined;
  /** Whatever the application wants to keep with the call. */
  userObject: Data | undefined;
  readonly #call: ServerCall;
  readonly #bus: MessageBus;
  readonly #who: ConnectionAuthentication | undefined;
  #messages: Messages | undefined;
  #headers: Headers | undefined;
  /** What the headers were made of. */
  #version: number | undefined;
  #credentials: string | null | undefined;

  /** Made by the module for each call. */
  constructor(
    call: ServerCall,
    endpoint: string,
    method: string,
    bus: MessageBus,
    who?: ConnectionAuthentication,
  ) {
    this.id = call.id;
    this.endpoint = endpoint;
    this.method = method;
    this.#call = call;
    this.#bus = bus;
    this.#who = who;
  }

  /**
   * Who the client is, as of now: `null` when the authenticator knows nobody, there is none, or the
   * authentication has expired or was revoked.
   */
  get auth(): AuthenticationInfo | null {
    return this.#who?.info ?? null;
  }

  /** What the authenticator threw, where it did: a guard of your own may tell it to the client. */
  get authError(): unknown {
    return this.#who?.error;
  }

  /** The client's connection; all calls over it have this id. */
  get connectionId(): string {
    return this.#call.connection.id;
  }

  /**
   * The headers of the WebSocket handshake. A browser can't set any, so the client's credentials
   * stand here as `authorization`: as they are where they name their scheme, else as a bearer token.
   * They count for more than an `authorization` of the handshake, which a proxy may have asked for.
   * With an authenticator they follow what the client is known by; neither they nor the `cookie`
   * stand here any more once that has expired or was revoked.
   */
  get headers(): Headers {
    const who = this.#who;
    const credentials = this.#credentialsNow();
    if (this.#headers === undefined || this.#isStale(credentials)) {
      this.#version = who?.version;
      this.#credentials = credentials;
      const { headers } = this.#call.connection;
      this.#headers = withCredentials(
        who?.isRevoked ? withoutProof(headers) : headers,
        credentials,
      );
    }
    return this.#headers;
  }

  #credentialsNow(): string | null {
    return this.#who === undefined ? this.#call.connection.credentials : this.#who.credentials;
  }

  /** Without an authenticator a call keeps what it began with. */
  #isStale(credentials: string | null): boolean {
    if (this.#who === undefined) return false;
    return this.#version !== this.#who.version || this.#credentials !== credentials;
  }

  /** The client's address, or the nearest proxy's. */
  get remoteAddress(): string | undefined {
    return this.#call.connection.remoteAddress;
  }

  /** The `remoteAddress` again, by the name that guards written for HTTP look for. */
  get ip(): string | undefined {
    return this.remoteAddress;
  }

  /** Aborted when the call is over, for whatever reason. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** The message bus, bound to the call: what is subscribed here ends with it. */
  get messages(): Messages {
    // Not onClose: a handler that waits for a message only comes to rest when it is woken.
    this.#messages ??= this.#bus.bind({ onClose: (end) => this.#call.onOver(end) });
    return this.#messages;
  }

  /**
   * How many items the declared overflow has cost this call: those of its output, where that can't
   * be paused, and those of its bus subscriptions.
   */
  get dropped(): number {
    return this.#call.dropped + (this.#messages?.dropped ?? 0);
  }

  /**
   * Runs a function when the session closes: the call is over, and the handler's `finally` has run.
   * At once when it is closed already. One that throws, or rejects, doesn't stop the next. What
   * `AsyncLocalStorage` gives here it gives in the function, too.
   */
  onClose(run: () => unknown): void {
    const context = new AsyncResource('StreamingSession.onClose');
    this.#call.onClose(() => context.runInAsyncScope(run));
  }
}

function withCredentials(headers: Headers, credentials: string | null): Headers {
  if (credentials === null) return headers;
  const hasScheme = credentials.includes(' ');
  return { ...headers, authorization: hasScheme ? credentials : `Bearer ${credentials}` };
}

function withoutProof({ authorization, cookie, ...others }: Headers): Headers {
  return others;
}
