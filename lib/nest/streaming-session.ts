import type { AuthenticationInfo } from '../auth/authentication-info.js';
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
  /** Who the client is; `null` when nobody authenticated it. */
  readonly auth: AuthenticationInfo | null = null;
  /** Whom a guard found; guards written for HTTP set it. */
  user: User | undefined;
  /** Whatever the application wants to keep with the call. */
  userObject: Data | undefined;
  readonly #call: ServerCall;
  readonly #bus: MessageBus;
  #messages: Messages | undefined;
  #headers: Headers | undefined;

  /** Made by the module for each call. */
  constructor(call: ServerCall, endpoint: string, method: string, bus: MessageBus) {
    this.id = call.id;
    this.endpoint = endpoint;
    this.method = method;
    this.#call = call;
    this.#bus = bus;
  }

  /** The client's connection; all calls over it have this id. */
  get connectionId(): string {
    return this.#call.connection.id;
  }

  /**
   * The headers of the WebSocket handshake. Without an `authorization` among them, the client's
   * credentials stand there as a bearer token: a browser can't set headers.
   */
  get headers(): Headers {
    this.#headers ??= headersOf(this.#call);
    return this.#headers;
  }

  /** The client's address, or the nearest proxy's. */
  get remoteAddress(): string | undefined {
    return this.#call.connection.remoteAddress;
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
   * At once when it is closed already. One that throws doesn't stop the next.
   */
  onClose(run: () => void): void {
    this.#call.onClose(run);
  }
}

function headersOf(call: ServerCall): Headers {
  const { headers, credentials } = call.connection;
  if (credentials === null || headers['authorization'] !== undefined) return headers;
  const hasScheme = credentials.includes(' ');
  return { ...headers, authorization: hasScheme ? credentials : `Bearer ${credentials}` };
}
