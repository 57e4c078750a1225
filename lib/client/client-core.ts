import { CloseCode, mayReconnect } from '../protocol/close-codes.js';
import type { Limits } from '../protocol/limits.js';
import type { ModelPort } from '../protocol/model-port.js';
import type { Schedule } from '../protocol/schedule.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { Transport } from '../protocol/transport.js';
import { type CodecName, codecOf, SUBPROTOCOLS } from '../protocol/version.js';
import { AskedCredentials, type CredentialsFunction } from './asked-credentials.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import type { ClientCall } from './call.js';
import type { Connect } from './connect.js';
import { ClientConnection } from './connection.js';
import { clientClosed, noCredentials, tooManyWaiting, unanswered, unreachable } from './errors.js';
import { ObservedStatus } from './observed-status.js';
import { Renewal } from './renewal.js';
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
  readonly credentials: CredentialsFunction | undefined;
}

/** One try to connect, and the socket it led to. */
interface Attempt {
  giveUp(): void;
  /** The application has given the credentials to present. */
  hasCredentials: boolean;
  connection?: ClientConnection;
  /** The socket is closed. */
  closed?: Promise<void>;
}

/**
 * The life of a client's connection: it opens with the first call, is shared by all, and closes
 * after the last. Every connection and attempt is an object; what an old one still reports is told
 * from the present one by identity.
 */
export class ClientCore {
  readonly #parts: ClientParts;
  readonly #backoff: Backoff;
  readonly #credentials: AskedCredentials;
  readonly #renewal: Renewal;
  readonly #status = new ObservedStatus();
  readonly #leaving = new Set<ClientConnection>();
  /** The attempts whose sockets are not closed yet. */
  readonly #sockets = new Set<Attempt>();
  #waiting: ClientCall[] = [];
  #attempt: Attempt | undefined;
  #connection: ClientConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.backoff);
    this.#credentials = new AskedCredentials(parts.credentials);
    this.#renewal = this.#createRenewal();
  }

  get status(): ClientStatus {
    return this.#status.current;
  }

  onStatus(listener: (status: ClientStatus) => void): () => void {
    return this.#status.onChange(listener);
  }

  /** Carries a call: at once, or as soon as there is a connection. */
  use(call: ClientCall): void {
    if (this.status === 'closed') return call.failed(clientClosed());
    if (this.#connection !== undefined) {
      clearTimeout(this.#timer);
      return this.#connection.open(call);
    }
    this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    if (this.#waiting.length >= this.#parts.limits.callsPerConnection) {
      return call.failed(tooManyWaiting());
    }
    this.#waiting.push(call);
    if (this.status === 'idle') this.#begin();
  }

  /**
   * Closes the connection; calls that are open fail, and so do those made afterwards. Resolves when
   * the sockets are closed; one whose server doesn't answer is cut after the time for connecting.
   */
  close(): Promise<void> {
    if (this.status !== 'closed') this.#end();
    const sockets = [...this.#sockets];
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const { giveUp } of sockets) giveUp();
        resolve();
      }, this.#parts.connectTimeoutMs);
      void Promise.all(sockets.map(({ closed }) => closed)).then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Asks for credentials again and presents them, now or with the connection that is being made. */
  async refreshCredentials(): Promise<void> {
    if (await this.#credentials.ask()) this.#present();
  }

  /** An attempt that has no connection yet presents what is newest by then. */
  #present(): void {
    const { newest } = this.#credentials;
    (this.#connection ?? this.#attempt?.connection)?.present(newest);
    for (const connection of this.#leaving) if (connection.isAsked) connection.present(newest);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#status.set('closed');
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.giveUp();
    this.#renewal.stop(clientClosed());
    for (const call of this.#waiting.splice(0)) call.failed(clientClosed());
    this.#connection?.close();
    for (const connection of this.#leaving) connection.close();
  }

  #begin(): void {
    const waitMs = this.#backoff.waitMs(performance.now());
    if (waitMs === 0) return this.#connect();
    this.#status.set('waiting');
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  #connect(): void {
    const attempt: Attempt = { giveUp: () => undefined, hasCredentials: false };
    this.#attempt = attempt;
    this.#status.set('connecting');
    this.#timer = setTimeout(
      () => this.#attemptFailed(attempt, unanswered(attempt.hasCredentials)),
      this.#parts.connectTimeoutMs,
    );
    void this.#ask(attempt);
  }

  async #ask(attempt: Attempt): Promise<void> {
    try {
      await this.#credentials.ask();
      if (this.#attempt !== attempt) return;
      attempt.hasCredentials = true;
      this.#open(attempt);
    } catch (cause) {
      this.#attemptFailed(attempt, noCredentials(cause));
    }
  }

  #open(attempt: Attempt): void {
    this.#sockets.add(attempt);
    attempt.closed = new Promise((resolve) => {
      attempt.giveUp = this.#parts.connect([SUBPROTOCOLS[this.#parts.codec]], {
        opened: (transport, subprotocol) => {
          if (this.#attempt !== attempt) return transport.terminate();
          attempt.connection = this.#createConnection(transport, subprotocol);
        },
        message: (message) => attempt.connection?.receive(message),
        drained: () => attempt.connection?.drained(),
        closed: (code, reason) => {
          this.#sockets.delete(attempt);
          resolve();
          if (attempt.connection !== undefined) attempt.connection.closed(code, reason);
          else this.#attemptFailed(attempt, unreachable(code, reason), !mayReconnect(code));
        },
      });
    });
  }

  #createConnection(transport: Transport, subprotocol: string): ClientConnection {
    const { codec, models, limits, schedule } = this.#parts;
    const parts = { transport, codec: codecOf(subprotocol) ?? codec, models, limits, schedule };
    return new ClientConnection(parts, this.#credentials.newest, {
      ready: (connection) => this.#ready(connection),
      draining: (connection) => this.#draining(connection),
      credentialsAsked: () => void this.#renewal.begin(),
      refused: (connection, call, error) => this.#refused(connection, call, error),
      idle: (connection) => this.#idle(connection),
      closed: (connection, code, reason) => this.#closed(connection, code, reason),
    });
  }

  #ready(connection: ClientConnection): void {
    if (this.#attempt?.connection !== connection) return connection.close();
    clearTimeout(this.#timer);
    this.#attempt = undefined;
    this.#connection = connection;
    this.#backoff.succeeded(performance.now());
    this.#status.set('connected');
    for (const call of this.#waiting.splice(0)) if (!call.isOver) connection.open(call);
    if (connection.callCount === 0) this.#idle(connection);
  }

  #attemptFailed(attempt: Attempt, error: StreamError, hopeless = false): void {
    if (this.#attempt !== attempt) return;
    clearTimeout(this.#timer);
    this.#attempt = undefined;
    this.#backoff.failed(performance.now(), hopeless);
    attempt.giveUp();
    const calls = this.#waiting.splice(0);
    this.#status.set('idle');
    for (const call of calls) call.failed(error);
  }

  #createRenewal(): Renewal {
    const { limits, connectTimeoutMs } = this.#parts;
    const port = {
      present: () => this.#present(),
      open: (call: ClientCall) => this.use(call),
      done: () => this.#renewed(),
    };
    // The application's own refreshes have the other half of what servers allow.
    return new Renewal(this.#credentials, port, limits.credentialsPerMinute / 2, connectTimeoutMs);
  }

  /**
   * A call that credentials were presented behind, or whose connection is about to go, needs no
   * others to be asked for: the next connection asks by itself.
   */
  #refused(connection: ClientConnection, call: ClientCall, error: StreamError): void {
    const isCurrent = this.#connection === connection;
    if (!isCurrent || connection.presented > call.presented) return this.use(call);
    clearTimeout(this.#timer);
    this.#renewal.reopen(call, error);
    if (!this.#renewal.isAsking) this.#renewed();
  }

  /** A connection without calls was kept for those that might be opened again. */
  #renewed(): void {
    if (this.#connection?.callCount === 0) this.#idle(this.#connection);
  }

  #draining(connection: ClientConnection): void {
    if (this.#connection !== connection) return;
    this.#release(connection);
    if (connection.callCount === 0) connection.close();
    else this.#leaving.add(connection);
  }

  #idle(connection: ClientConnection): void {
    if (this.#leaving.has(connection)) return connection.close();
    if (this.#connection !== connection || this.#renewal.isAsking) return;
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
      if (code !== CloseCode.normal) this.#backoff.failed(performance.now(), !mayReconnect(code));
      this.#release(connection);
    }
  }

  /** New calls no longer go to this connection. */
  #release(connection: ClientConnection): void {
    if (this.#connection !== connection) return;
    clearTimeout(this.#timer);
    this.#connection = undefined;
    if (this.status !== 'closed') this.#status.set('idle');
  }
}
