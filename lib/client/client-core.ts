import { CloseCode, mayReconnect } from '../protocol/close-codes.js';
import type { Limits } from '../protocol/limits.js';
import type { ModelPort } from '../protocol/model-port.js';
import type { Schedule } from '../protocol/schedule.js';
import { StreamError } from '../protocol/stream-error.js';
import type { Transport } from '../protocol/transport.js';
import { type CodecName, codecOf, SUBPROTOCOLS } from '../protocol/version.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import type { ClientCall } from './call.js';
import type { Connect } from './connect.js';
import { ClientConnection } from './connection.js';
import type { ClientStatus } from './types.js';

/** What a client is made of, its options resolved. */
export interface ClientParts {
  readonly connect: Connect;
  readonly codec: CodecName;
  readonly models: ModelPort;
  readonly limits: Limits;
  readonly schedule: Schedule;
  readonly connectTimeoutMs: number;
  readonly idleMs: number;
  readonly backoff: BackoffOptions;
  readonly credentials: () => string | null | undefined | Promise<string | null | undefined>;
}

/** One try to connect; given up as soon as another state takes its place. */
interface Attempt {
  giveUp(): void;
  connection?: ClientConnection;
}

/**
 * The life of a client's connection: it opens with the first call, is shared by all, and closes
 * after the last. Every connection and attempt is an object; what an old one still reports is told
 * from the present one by identity.
 */
export class ClientCore {
  readonly #parts: ClientParts;
  readonly #backoff: Backoff;
  readonly #listeners = new Set<(status: ClientStatus) => void>();
  readonly #leaving = new Set<ClientConnection>();
  #status: ClientStatus = 'idle';
  #waiting: ClientCall[] = [];
  #attempt: Attempt | undefined;
  #connection: ClientConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.backoff);
  }

  get status(): ClientStatus {
    return this.#status;
  }

  onStatus(listener: (status: ClientStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Carries a call: at once, or as soon as there is a connection. */
  use(call: ClientCall): void {
    if (this.#status === 'closed') return call.failed(clientClosed());
    if (this.#connection !== undefined) {
      clearTimeout(this.#timer);
      return this.#connection.open(call);
    }
    if (this.#waiting.length >= this.#parts.limits.callsPerConnection) {
      return call.failed(tooManyWaiting());
    }
    this.#waiting.push(call);
    if (this.#status === 'idle') this.#begin();
  }

  /** Closes the connection; calls that are open fail, and so do those made afterwards. */
  close(): void {
    if (this.#status === 'closed') return;
    clearTimeout(this.#timer);
    this.#setStatus('closed');
    this.#attempt?.giveUp();
    for (const call of this.#waiting.splice(0)) call.failed(clientClosed());
    this.#connection?.close();
    for (const connection of this.#leaving) connection.close();
  }

  /** Asks for credentials again and presents them on the open connection. */
  async refreshCredentials(): Promise<void> {
    const credentials = (await this.#parts.credentials()) ?? null;
    this.#connection?.present(credentials);
  }

  #begin(): void {
    const waitMs = this.#backoff.waitMs(Date.now());
    if (waitMs === 0) return this.#connect();
    this.#setStatus('waiting');
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  #connect(): void {
    const attempt: Attempt = { giveUp: () => undefined };
    this.#attempt = attempt;
    this.#setStatus('connecting');
    this.#timer = setTimeout(
      () => this.#attemptFailed(attempt, unanswered()),
      this.#parts.connectTimeoutMs,
    );
    void this.#ask(attempt);
  }

  async #ask(attempt: Attempt): Promise<void> {
    try {
      const credentials = (await this.#parts.credentials()) ?? null;
      if (this.#attempt === attempt) this.#open(attempt, credentials);
    } catch (cause) {
      this.#attemptFailed(attempt, noCredentials(cause));
    }
  }

  #open(attempt: Attempt, credentials: string | null): void {
    attempt.giveUp = this.#parts.connect([SUBPROTOCOLS[this.#parts.codec]], {
      opened: (transport, subprotocol) => {
        if (this.#attempt !== attempt) return transport.terminate();
        attempt.connection = this.#createConnection(transport, subprotocol, credentials);
      },
      message: (message) => attempt.connection?.receive(message),
      drained: () => attempt.connection?.drained(),
      closed: (code, reason) => {
        if (attempt.connection !== undefined) return attempt.connection.closed(code, reason);
        this.#attemptFailed(attempt, unreachable(code, reason), !mayReconnect(code));
      },
    });
  }

  #createConnection(
    transport: Transport,
    subprotocol: string,
    credentials: string | null,
  ): ClientConnection {
    const { codec, models, limits, schedule } = this.#parts;
    const parts = { transport, codec: codecOf(subprotocol) ?? codec, models, limits, schedule };
    return new ClientConnection(parts, credentials, {
      ready: (connection) => this.#ready(connection),
      draining: (connection) => this.#draining(connection),
      idle: (connection) => this.#idle(connection),
      closed: (connection, code, reason) => this.#closed(connection, code, reason),
    });
  }

  #ready(connection: ClientConnection): void {
    if (this.#attempt?.connection !== connection) return connection.close();
    clearTimeout(this.#timer);
    this.#attempt = undefined;
    this.#connection = connection;
    this.#backoff.succeeded();
    for (const call of this.#waiting.splice(0)) if (!call.isOver) connection.open(call);
    this.#setStatus('connected');
    if (connection.callCount === 0) this.#idle(connection);
  }

  #attemptFailed(attempt: Attempt, error: StreamError, hopeless = false): void {
    if (this.#attempt !== attempt) return;
    clearTimeout(this.#timer);
    this.#attempt = undefined;
    this.#backoff.failed(Date.now(), hopeless);
    attempt.giveUp();
    const calls = this.#waiting.splice(0);
    this.#setStatus('idle');
    for (const call of calls) call.failed(error);
  }

  #draining(connection: ClientConnection): void {
    if (this.#connection !== connection) return;
    this.#release(connection);
    if (connection.callCount === 0) connection.close();
    else this.#leaving.add(connection);
  }

  #idle(connection: ClientConnection): void {
    if (this.#leaving.has(connection)) return connection.close();
    if (this.#connection !== connection) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#release(connection);
      connection.close();
    }, this.#parts.idleMs);
  }

  #closed(connection: ClientConnection, code: number, reason: string): void {
    this.#leaving.delete(connection);
    if (this.#attempt?.connection === connection) {
      this.#attemptFailed(this.#attempt, unreachable(code, reason), !mayReconnect(code));
    } else if (this.#connection === connection) {
      if (code !== CloseCode.normal) this.#backoff.failed(Date.now(), !mayReconnect(code));
      this.#release(connection);
    }
  }

  /** New calls no longer go to this connection. */
  #release(connection: ClientConnection): void {
    if (this.#connection !== connection) return;
    clearTimeout(this.#timer);
    this.#connection = undefined;
    if (this.#status !== 'closed') this.#setStatus('idle');
  }

  #setStatus(status: ClientStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const listener of [...this.#listeners]) listener(status);
  }
}

function clientClosed(): StreamError {
  return new StreamError('connect-failed', 'The client is closed.');
}

function tooManyWaiting(): StreamError {
  return new StreamError('resource-exhausted', 'Too many calls wait for the connection.');
}

function unreachable(code: number, reason: string): StreamError {
  const told = reason === '' ? '' : `: ${reason}`;
  return new StreamError('connect-failed', `The server can't be reached (${code}${told}).`);
}

function unanswered(): StreamError {
  return new StreamError('connect-timeout', 'The server did not answer in time.');
}

function noCredentials(cause: unknown): StreamError {
  return new StreamError('connect-failed', 'The credentials function failed.', { cause });
}
