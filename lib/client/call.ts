import type { OutputKind } from '../protocol/frames.js';
import { firstCredit, type Limits } from '../protocol/limits.js';
import { StreamError } from '../protocol/stream-error.js';
import { Inbox } from '../stream/inbox.js';
import { isStream } from '../stream/source.js';
import { CallInput } from './call-input.js';

/** What a call asks of the connection that carries it. */
export interface CallWire {
  /** How often credentials were presented on its connection, when it was opened. */
  readonly presented: number;
  grant(items: number, bytes: number): void;
  /** Tells the server that nobody reads any more, and lets the call go. */
  cancel(): void;
}

/** What is kept of who made a call. */
export interface CallContext {
  /** Runs a function in the asynchronous context that the call was made in. */
  readonly run: RunInContext;
  /** Told what the call fails with, before anybody else. Must not throw. */
  readonly failed?: (error: unknown) => void;
}

/** How a call comes into being. */
export interface CallOptions extends CallContext {
  /** Whether it is opened again when it is refused before it has begun. */
  readonly reopens: boolean;
}

/** Runs a function in an asynchronous context that was captured: what `AsyncLocalStorage` gives. */
export type RunInContext = (run: () => void) => void;

/** An opened stream: what awaiting a stream method gives. */
export interface OpenedOutput extends AsyncIterable<unknown> {
  cancel(): void;
}

/** One call, from the client's side; it exists before there is a connection to carry it. */
export class ClientCall {
  readonly method: string;
  /** The arguments as they cross the wire: `null` stands where an input is. */
  readonly args: readonly unknown[];
  /** The streams among the arguments, by their places. */
  readonly inputs: ReadonlyMap<number, CallInput>;
  readonly inbox: Inbox;
  readonly run: RunInContext;
  readonly #told: ((error: unknown) => void) | undefined;
  #wire: CallWire | undefined;
  #state: 'waiting' | 'sent' | 'over' = 'waiting';
  #cancelled = false;
  #kind: OutputKind | undefined;
  /** Whether it may still be opened again: the server has shown nothing of it. */
  #reopens: boolean;
  #presented = 0;
  #isRenewed = false;
  #isMoved = false;
  #error: unknown;
  #inputError: unknown;
  #result: Promise<unknown> | undefined;
  #settleResult: (() => void) | undefined;

  constructor(method: string, args: readonly unknown[], limits: Limits, options: CallOptions) {
    this.method = method;
    this.#reopens = options.reopens;
    this.run = options.run;
    this.#told = options.failed;
    this.inputs = inputsOf(args, options.reopens);
    this.args = args.map((arg, place) => (this.inputs.has(place) ? null : arg));
    const { items, bytes } = firstCredit(limits);
    this.inbox = new Inbox(
      {
        grant: (moreItems, moreBytes) => this.#wire?.grant(moreItems, moreBytes),
        cancel: () => this.cancel(),
      },
      { items, bytes },
    );
  }

  /** Whether nothing of it is to come any more: it ended, failed or was cancelled. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** A connection carries it from here on. */
  attach(wire: CallWire): void {
    this.#wire = wire;
    this.#presented = wire.presented;
    this.#state = 'sent';
  }

  /** How often credentials had been presented when it was opened. */
  get presented(): number {
    return this.#presented;
  }

  /**
   * The server has refused it: tells whether it waits to be opened again, which is done once with
   * fresh credentials, and once because the server leaves. Its inputs are kept then, whatever is
   * done to their pumps.
   */
  refused(code: string, isLeaving: boolean): boolean {
    if (!this.#reopens || this.#state !== 'sent' || !this.#mayReopen(code, isLeaving)) return false;
    this.#isRenewed ||= code === 'unauthenticated';
    this.#isMoved ||= isLeaving;
    this.#state = 'waiting';
    this.#wire = undefined;
    for (const input of this.inputs.values()) input.detach();
    return true;
  }

  /** The server has begun with it: it will not be opened again. */
  begun(): void {
    if (!this.#reopens) return;
    this.#reopens = false;
    for (const input of this.inputs.values()) input.settle();
  }

  /** The server has accepted it. */
  opened(kind: OutputKind): void {
    this.begun();
    this.#kind = kind;
    this.#settleResult?.();
  }

  /** The server is done with it. */
  ended(): void {
    if (this.#state === 'over') return;
    if (this.#kind === undefined) this.#error = neverOpened();
    this.#over();
    this.inbox.end();
  }

  /** It ended badly, or there is no connection to carry it. */
  failed(error: unknown): void {
    if (this.#state === 'over') return;
    this.#error = error;
    if (this.#inputError !== undefined) blame(error, this.#inputError);
    this.#told?.(error);
    this.#over();
    this.inbox.fail(error);
  }

  /** It was refused, and will not be opened again; `cause` is why there are no better credentials. */
  refusedFor(refusal: Error, cause: unknown): void {
    if (cause !== undefined) blame(refusal, cause);
    this.failed(refusal);
  }

  /** An input's source threw: the server hears little of it, the caller everything, as the cause. */
  inputFailed(error: unknown): void {
    this.#inputError ??= error;
  }

  /** The caller gives up: its reader ends, its promise rejects with a `cancelled` error. */
  cancel(): void {
    if (this.#state === 'over') return;
    this.#cancelled = true;
    this.#error = new StreamError('cancelled', 'The call was cancelled.');
    this.#over();
    this.inbox.close();
    this.#wire?.cancel();
  }

  /** The value of a promise method, or the opened stream. */
  result(): Promise<unknown> {
    this.#result ??= this.#opened().then(() => this.#awaited());
    return this.#result;
  }

  #opened(): Promise<void> {
    if (this.#kind !== undefined || this.#state === 'over') return Promise.resolve();
    return new Promise((resolve) => {
      this.#settleResult = resolve;
    });
  }

  async #awaited(): Promise<unknown> {
    if (this.#kind === undefined) throw this.#error;
    if (this.#kind === 'stream') return this.#stream();
    const { value } = await this.inbox.next();
    if (this.#cancelled) throw this.#error;
    return value;
  }

  /** Has no `then`, or awaiting it would never end. */
  #stream(): OpenedOutput {
    return { [Symbol.asyncIterator]: () => this.inbox, cancel: () => this.cancel() };
  }

  #mayReopen(code: string, isLeaving: boolean): boolean {
    if (isLeaving) return !this.#isMoved && (code === 'unauthenticated' || code === 'unavailable');
    return !this.#isRenewed && code === 'unauthenticated';
  }

  #over(): void {
    if (this.#state === 'waiting') for (const input of this.inputs.values()) input.discard();
    this.#state = 'over';
    this.#settleResult?.();
  }
}

/** What a client method returns: awaitable and iterable, whichever the server's method is. */
export class CallOutput implements AsyncIterable<unknown>, Promise<unknown> {
  readonly #call: ClientCall;
  readonly [Symbol.toStringTag] = 'StreamingCall';

  constructor(call: ClientCall) {
    this.#call = call;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return this.#call.inbox;
  }

  cancel(): void {
    this.#call.cancel();
  }

  // biome-ignore lint/suspicious/noThenProperty: an output is awaitable by contract
  then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#call.result().then(onFulfilled, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<unknown> {
    return this.#call.result().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this.#call.result().finally(onFinally);
  }
}

function inputsOf(args: readonly unknown[], keeps: boolean): Map<number, CallInput> {
  const inputs = new Map<number, CallInput>();
  for (const [place, arg] of args.entries()) {
    if (isStream(arg)) inputs.set(place, new CallInput(arg, keeps));
  }
  return inputs;
}

function neverOpened(): StreamError {
  return new StreamError('internal', 'The server ended a call that it never opened.');
}

/** Says what an error may be owed to, unless it knows better or is that itself. */
function blame(error: unknown, cause: unknown): void {
  if (!(error instanceof Error) || error === cause || error.cause !== undefined) return;
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}
