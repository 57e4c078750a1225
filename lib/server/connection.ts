import { Allowance } from '../protocol/allowance.js';
import { CloseCode } from '../protocol/close-codes.js';
import { type Credit, type ErrorBody, FrameType } from '../protocol/frames.js';
import { firstCredit, type Limits } from '../protocol/limits.js';
import { Link, type LinkHandler } from '../protocol/link.js';
import type { ModelPort } from '../protocol/model-port.js';
import type { Schedule } from '../protocol/schedule.js';
import { StreamError } from '../protocol/stream-error.js';
import type { Transport } from '../protocol/transport.js';
import type { CodecName } from '../protocol/version.js';
import { ProtocolViolation } from '../protocol/violation.js';
import type { ServerCall, ServerPeer } from './call.js';
import { HeldArguments } from './held-arguments.js';
import { toInputError } from './input-error.js';
import { Inputs } from './inputs.js';
import type { MethodTable } from './method.js';
import { type CallPort, RunningCall } from './running-call.js';
import type { ServerHooks } from './server-hooks.js';

/** What is known of a client from its WebSocket handshake. */
export interface Handshake {
  readonly codec: CodecName;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly remoteAddress: string | undefined;
}

/** What a connection needs of its server. */
export interface ConnectionParts {
  readonly methods: MethodTable;
  readonly models: ModelPort;
  readonly limits: Limits;
  readonly schedule: Schedule;
  readonly hooks: ServerHooks;
  toStreamError(error: unknown, call: ServerCall): StreamError | Promise<StreamError>;
  /** The connection is over; its handlers may still run. Called once. */
  gone(connection: ServerConnection): void;
  /** No call is left, and no handler runs any more. */
  idle(connection: ServerConnection): void;
}

/** One client's connection, from the server's side: its calls by number. */
export class ServerConnection implements ServerPeer {
  readonly id: string;
  readonly headers: Handshake['headers'];
  readonly remoteAddress: string | undefined;
  readonly limits: Limits;
  readonly #parts: ConnectionParts;
  readonly #link: Link;
  readonly #calls = new Map<number, RunningCall>();
  readonly #inputs: Inputs;
  readonly #arguments: HeldArguments;
  readonly #callPort: CallPort;
  readonly #presentations: Allowance;
  #highest = 0;
  #credentials: string | null = null;
  #outputCredit: Credit | undefined;
  #helloTimer: ReturnType<typeof setTimeout> | undefined;
  #draining = false;

  constructor(id: string, transport: Transport, handshake: Handshake, parts: ConnectionParts) {
    const { models, limits, schedule } = parts;
    this.id = id;
    this.headers = handshake.headers;
    this.remoteAddress = handshake.remoteAddress;
    this.limits = limits;
    this.#parts = parts;
    this.#inputs = new Inputs(limits, (frame) => this.#link.writer.frame(frame));
    this.#arguments = new HeldArguments(limits.unreadBytesPerConnection);
    this.#presentations = new Allowance(limits.credentialsPerMinute);
    const { codec } = handshake;
    this.#link = new Link({ transport, codec, models, limits, schedule }, this.#handler());
    this.#callPort = this.#createCallPort();
    this.#link.writer.frame([
      FrameType.welcome,
      id,
      creditPair(firstCredit(limits)),
      limits.messageBytes,
    ]);
    this.#link.writer.flush();
    this.#helloTimer = setTimeout(() => this.#helloMissing(), limits.helloTimeoutMs);
  }

  /** The newest credentials the client presented. */
  get credentials(): string | null {
    return this.#credentials;
  }

  /** How many calls hold a place: running, or over with a handler that has not settled. */
  get callCount(): number {
    return this.#calls.size;
  }

  /** For the transport's maker. */
  receive(message: string | Uint8Array): void {
    this.#link.receive(message);
  }

  /** For the transport's maker. */
  drained(): void {
    this.#link.drained();
  }

  /** For the transport's maker. */
  closed(code: number, reason: string): void {
    this.#link.closed(code, reason);
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#link.writer.frame([FrameType.drain]);
  }

  askCredentials(): void {
    this.#link.writer.frame([FrameType.credentials, null]);
  }

  flush(): void {
    this.#link.writer.flush();
  }

  refuse(): void {
    this.close(CloseCode.tooManyCredentials, 'too many credentials were refused');
  }

  guardFlush(mayFlush: (() => boolean) | undefined): void {
    this.#link.writer.maySend = mayFlush;
  }

  /** Closes the connection; its calls end as lost. */
  close(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  #handler(): LinkHandler {
    const inputs = this.#inputs;
    return {
      hello: (credit, credentials) => this.#hello(credit, credentials),
      credentials: (credentials) => this.#present(credentials),
      open: (id, method, args, inputs, problem) => this.#open(id, method, args, inputs, problem),
      item: (stream, size, frame) => {
        if (!inputs.receive(this.#known(stream), size, frame)) this.#overfull(stream);
      },
      unreadable: (stream, problem) => inputs.refuse(this.#known(stream), problem),
      end: (stream) => inputs.end(this.#known(stream)),
      error: (stream, body, problem) =>
        inputs.fail(this.#known(stream), toInputError(body, problem)),
      cancel: (id) => this.#call(id)?.stop('cancelled'),
      credit: (id, credit) => this.#call(id)?.grant(credit.items, credit.bytes),
      roomAgain: () => {
        for (const call of this.#calls.values()) call.resume();
      },
      closed: (code, reason) => this.#gone(code, reason),
      broken: (error) => this.#parts.hooks.connectionBroken?.(this, error),
    };
  }

  #hello(credit: Credit, credentials: string | null): void {
    if (this.#outputCredit !== undefined) throw new ProtocolViolation('a second hello');
    clearTimeout(this.#helloTimer);
    this.#outputCredit = credit;
    this.#take(credentials);
  }

  #present(credentials: string | null): void {
    if (this.#outputCredit === undefined) throw beforeHello('credentials');
    if (!this.#presentations.take()) {
      throw new ProtocolViolation('too many credentials', CloseCode.tooManyCredentials);
    }
    this.#take(credentials);
  }

  #take(credentials: string | null): void {
    this.#credentials = credentials;
    this.#parts.hooks.credentialsPresented?.(this);
  }

  #helloMissing(): void {
    this.close(CloseCode.helloMissing, 'no hello came in time');
  }

  #open(
    id: number,
    name: string,
    args: unknown[],
    places: readonly number[],
    problem: StreamError | undefined,
  ): void {
    const credit = this.#outputCredit;
    if (credit === undefined) throw beforeHello('open');
    if (id <= this.#highest) throw new ProtocolViolation('an id used again', CloseCode.idReused);
    this.#highest = id + places.length;
    const method = this.#parts.methods.get(name);
    const refusal = this.#refusal(places.length);
    if (refusal !== undefined) return this.#refuse(id, refusal);
    if (method === undefined) return this.#refuse(id, notFound(name));
    if (!this.#arguments.hold(id, this.#link.message)) return this.#refuse(id, TOO_MUCH_HELD);
    const inputs = places.map((_, i) => this.#inputs.create(id + 1 + i));
    const call = new RunningCall(id, this, method, inputs, credit, this.#callPort, problem);
    this.#calls.set(id, call);
    for (const [i, place] of places.entries()) args[place] = inputs[i];
    call.start(problem === undefined ? args : []);
  }

  #refusal(inputs: number): ErrorBody | undefined {
    const { callsPerConnection, inputsPerCall } = this.limits;
    if (this.#draining) return { code: 'unavailable', message: 'The server is going away.' };
    if (this.#calls.size >= callsPerConnection) {
      return tooMany(`${callsPerConnection} calls are open on this connection`);
    }
    if (inputs > inputsPerCall) return tooMany(`A call may have ${inputsPerCall} inputs`);
    return undefined;
  }

  /** A peer may ask for very many: what it is told is no Error, whose stack would cost the most. */
  #refuse(id: number, body: ErrorBody): void {
    this.#link.writer.frame([FrameType.error, id, body]);
  }

  /** More waits unread than the connection may hold: the call that was sent the last of it ends. */
  #overfull(stream: number): void {
    for (const call of this.#calls.values()) {
      if (call.number < stream && stream <= call.number + call.inputs.length) {
        const message = 'Too much waits unread on this connection.';
        return call.fail(new StreamError('resource-exhausted', message));
      }
    }
  }

  /** The call a frame names; `undefined` for one that is over, whose late frames mean nothing. */
  #call(id: number): RunningCall | undefined {
    return this.#calls.get(this.#known(id));
  }

  /** The number a frame names, which some call must have taken. */
  #known(number: number): number {
    if (number <= this.#highest) return number;
    throw new ProtocolViolation('a frame for a call that never was');
  }

  #createCallPort(): CallPort {
    const { hooks, toStreamError } = this.#parts;
    return {
      writer: this.#link.writer,
      over: (call) => this.#callOver(call),
      settled: (call) => this.#callSettled(call),
      toStreamError,
      failed: (call, error, told) => hooks.callFailed?.(call, error, told),
      failedLate: (call, error) => hooks.handlerFailedLate?.(call, error),
      closeFunctionFailed: (call, error) => hooks.closeFunctionFailed?.(call, error),
      dropped: (call) => hooks.itemDropped?.(call),
      stuck: (call) => hooks.handlerStuck?.(call, this.limits.stuckHandlerMs),
    };
  }

  #callOver(call: RunningCall): void {
    for (const [i, inbox] of call.inputs.entries()) {
      this.#inputs.forget(call.number + 1 + i);
      inbox.close();
    }
  }

  #callSettled(call: RunningCall): void {
    this.#calls.delete(call.number);
    this.#arguments.release(call.number);
    if (this.#calls.size === 0) this.#parts.idle(this);
  }

  #gone(code: number, reason: string): void {
    clearTimeout(this.#helloTimer);
    for (const call of this.#calls.values()) call.stop('connection-lost');
    this.#parts.gone(this);
    this.#parts.hooks.connectionClosed?.(this, code, reason);
  }
}

function creditPair(credit: Credit): [items: number, bytes: number] {
  return [credit.items, credit.bytes];
}

function beforeHello(frame: string): ProtocolViolation {
  return new ProtocolViolation(`${frame} before hello`, CloseCode.helloMissing);
}

/** How much of a name is told back to who sent it. */
const TOLD_NAME_LENGTH = 100;

function notFound(name: string): ErrorBody {
  const told = name.slice(0, TOLD_NAME_LENGTH);
  return { code: 'not-found', message: `There is no streaming method "${told}".` };
}

function tooMany(what: string): ErrorBody {
  return { code: 'resource-exhausted', message: `${what}.` };
}

const TOO_MUCH_HELD = tooMany('The calls of this connection hold too much as their arguments');
