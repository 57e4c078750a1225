import { randomUUID } from 'node:crypto';
import { CloseCode } from '../protocol/close-codes.js';
import { type Limits, resolveLimits } from '../protocol/limits.js';
import type { ModelPort } from '../protocol/model-port.js';
import { createSchedule } from '../protocol/schedule.js';
import { StreamError } from '../protocol/stream-error.js';
import type { Transport } from '../protocol/transport.js';
import type { ServerCall } from './call.js';
import { type ConnectionParts, type Handshake, ServerConnection } from './connection.js';
import type { MethodTable } from './method.js';
import type { ServerHooks } from './server-hooks.js';

/** What a server is made of. */
export interface StreamingServerOptions {
  readonly methods: MethodTable;
  readonly models: ModelPort;
  readonly limits?: Partial<Limits> | undefined;
  readonly hooks?: ServerHooks | undefined;
  /**
   * What a client is told of something a handler threw, or a promise of it. What this throws is
   * told as `internal`.
   */
  toStreamError(error: unknown, call: ServerCall): StreamError | Promise<StreamError>;
}

/** The engine: connections, their calls, and the way they end. Knows neither Nest nor sockets. */
export class StreamingServer {
  readonly limits: Limits;
  readonly hooks: ServerHooks;
  readonly #parts: ConnectionParts;
  readonly #connections = new Set<ServerConnection>();
  /** Connections that are over while handlers of theirs still run. */
  readonly #lingering = new Set<ServerConnection>();
  #waiting: (() => void)[] = [];
  #state: 'open' | 'draining' | 'closed' = 'open';

  constructor(options: StreamingServerOptions) {
    this.limits = resolveLimits(options.limits);
    this.hooks = options.hooks ?? {};
    this.#parts = {
      methods: options.methods,
      models: options.models,
      limits: this.limits,
      schedule: createSchedule(),
      hooks: this.hooks,
      toStreamError: (error, call) => toStreamErrorSafely(options, error, call),
      gone: (connection) => this.#gone(connection),
      idle: (connection) => this.#idle(connection),
    };
  }

  /** Whether it takes connections: not once it has begun to close. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<ServerConnection> {
    return this.#connections;
  }

  /** How many calls run, or have a handler that has not settled. */
  get callCount(): number {
    let count = 0;
    for (const connection of this.#connections) count += connection.callCount;
    for (const connection of this.#lingering) count += connection.callCount;
    return count;
  }

  /** Takes over a connection whose subprotocol was agreed on. A server that goes away closes it. */
  accept(transport: Transport, handshake: Handshake): ServerConnection {
    const connection = new ServerConnection(randomUUID(), transport, handshake, this.#parts);
    this.#connections.add(connection);
    this.#parts.hooks.connectionOpened?.(connection);
    if (this.#state !== 'open') connection.close(CloseCode.goingAway, 'the server goes away');
    return connection;
  }

  /**
   * Asks the clients to go elsewhere and gives running calls `ms` to end, then ends the others as
   * lost. Connections are closed, `1001`; resolves when no handler runs, or those that ignore
   * their signal had `ms` once more. Tells how many calls were cut off; none when it is repeated.
   */
  async close(ms: number): Promise<number> {
    if (this.#state !== 'open') return this.#quiet(ms).then(() => 0);
    this.#state = 'draining';
    for (const connection of this.#connections) connection.drain();
    await this.#quiet(ms);
    const cutOff = this.callCount;
    this.#state = 'closed';
    for (const connection of this.#connections) {
      connection.close(CloseCode.goingAway, 'the server goes away');
    }
    await this.#quiet(ms);
    return cutOff;
  }

  /** Resolves when no call is left, or after `ms`. */
  #quiet(ms: number): Promise<void> {
    if (this.callCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #gone(connection: ServerConnection): void {
    this.#connections.delete(connection);
    if (connection.callCount > 0) this.#lingering.add(connection);
  }

  #idle(connection: ServerConnection): void {
    this.#lingering.delete(connection);
    if (this.#waiting.length > 0 && this.callCount === 0) {
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

function toStreamErrorSafely(
  options: StreamingServerOptions,
  error: unknown,
  call: ServerCall,
): StreamError | Promise<StreamError> {
  try {
    const told = options.toStreamError(error, call);
    return told instanceof Promise ? told.catch(toInternal) : told;
  } catch (cause) {
    return toInternal(cause);
  }
}

/** What was thrown is logged under the id; the cause is what failed on the way to the client. */
function toInternal(cause: unknown): StreamError {
  const id = randomUUID();
  return new StreamError('internal', 'Something went wrong on the server.', { id, cause });
}
