import { AsyncResource } from 'node:async_hooks';
import { toBareErrorBody, toErrorBody } from '../model/error-body.js';
import type { FrameWriter } from '../protocol/frame-writer.js';
import { type Credit, FrameType } from '../protocol/frames.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { Inbox } from '../stream/inbox.js';
import { Pump, type PumpOwner, type PumpTarget } from '../stream/pump.js';
import { isUnstarted, type PushOptions, toSource } from '../stream/source.js';
import type { CallEnd, ServerCall, ServerPeer } from './call.js';
import { CallEnds } from './call-ends.js';
import type { ServerMethod } from './method.js';

/** What a call asks of its connection and server. */
export interface CallPort {
  /** The connection's own, without a way around: every item takes it. */
  readonly writer: Pick<FrameWriter, 'hasRoom' | 'item' | 'frame'>;
  /** The call is over: its inputs end. Called once. */
  over(call: RunningCall): void;
  /** The handler has come to rest: the call gives its place back. Called once, after `over`. */
  settled(call: RunningCall): void;
  toStreamError(error: unknown, call: RunningCall): StreamError | Promise<StreamError>;
  failed(call: RunningCall, error: unknown, told: StreamError): void;
  failedLate(call: RunningCall, error: unknown): void;
  closeFunctionFailed(call: RunningCall, error: unknown): void;
  stuck(call: RunningCall): void;
  dropped(call: RunningCall): void;
}

/**
 * One run of a streaming method. Two things end, one after the other: the call, when the wire is
 * done with it (`over`), and the handler, when its cleanup has run (`settled`).
 */
export class RunningCall implements ServerCall {
  /** Unique in this process. */
  readonly id: string;
  readonly connection: ServerPeer;
  readonly method: ServerMethod;
  /** The id the client gave it; those of its inputs follow. */
  readonly number: number;
  readonly problem: StreamError | undefined;
  readonly #port: CallPort;
  readonly #inputs: readonly Inbox[];
  #state: 'running' | 'over' | 'settled' = 'running';
  readonly #ends: CallEnds;
  #dropped = 0;
  /** The handler came to rest before the call was over. */
  #isAtRest = false;
  /** How much still runs for the call beside that. */
  #unfinished = 0;
  /** How many want nothing to be written for the moment. */
  #holds = 0;
  /** What to tell of its error is being found out. */
  #isFailing = false;
  #pump: Pump | undefined;
  /** Gives the value of a promise method that waits for room on the connection. */
  #giveValue: (() => void) | undefined;
  #creditItems: number;
  #creditBytes: number;
  #stuck: ReturnType<typeof setTimeout> | undefined;
  /** Of its own, so that what a handler enters there is seen by no other call of the connection. */
  #context = new AsyncResource('StreamingCall');

  constructor(
    number: number,
    connection: ServerPeer,
    method: ServerMethod,
    inputs: readonly Inbox[],
    credit: Credit,
    port: CallPort,
    problem: StreamError | undefined,
  ) {
    this.id = `${connection.id}.${number}`;
    this.connection = connection;
    this.method = method;
    this.number = number;
    this.#inputs = inputs;
    this.#port = port;
    this.#ends = new CallEnds((error) => port.closeFunctionFailed(this, error));
    this.problem = problem;
    this.#creditItems = credit.items;
    this.#creditBytes = credit.bytes;
  }

  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  get push(): PushOptions {
    const onDrop = (): void => {
      this.#dropped++;
      this.#port.dropped(this);
    };
    return { ...this.method.push, onDrop };
  }

  get dropped(): number {
    return this.#dropped;
  }

  get end(): CallEnd | undefined {
    return this.#ends.end;
  }

  /** The ends of the client's inputs, in the order of their places. */
  get inputs(): readonly Inbox[] {
    return this.#inputs;
  }

  onOver(run: () => void): void {
    this.#ends.onOver(run);
  }

  onClose(run: () => void): void {
    this.#ends.onClose(run);
  }

  keepContext(): void {
    this.#context = new AsyncResource('StreamingCall');
  }

  keepUntil(rest: Promise<unknown>): void {
    this.#unfinished++;
    const finished = (): void => {
      this.#unfinished--;
      if (this.#isAtRest) this.#settled();
    };
    rest.then(finished, (error: unknown) => {
      this.#failedLate(error);
      finished();
    });
  }

  hold(): void {
    this.#holds++;
    this.#pump?.hold();
  }

  release(): void {
    if (--this.#holds > 0) return;
    this.#pump?.release();
    this.#giveValue?.();
  }

  /** Runs the method. Called once, by the connection. */
  start(args: unknown[]): void {
    this.#context.runInAsyncScope(() => this.#invoke(args));
  }

  #invoke(args: unknown[]): void {
    try {
      const result = this.method.invoke(this, args);
      if (!isThenable(result)) return this.#returned(result);
      // Not every thenable keeps to what a promise does.
      Promise.resolve(result).then(
        (value) => this.#returned(value),
        (error: unknown) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The client reads on. */
  grant(items: number, bytes: number): void {
    if (this.#pump !== undefined) return this.#pump.grant(items, bytes);
    this.#creditItems += items;
    this.#creditBytes += bytes;
  }

  /** The connection may have room again. */
  resume(): void {
    this.#pump?.resume();
    this.#giveValue?.();
  }

  /** The client gave up, or went away: nothing more is written, and the handler is told. */
  stop(end: 'cancelled' | 'connection-lost'): void {
    if (this.#state !== 'running') return;
    this.#context.runInAsyncScope(() => {
      this.#over(end);
      this.#pump?.stop();
    });
  }

  fail(error: unknown): void {
    if (this.#state !== 'running' || this.#isFailing) return;
    this.#context.runInAsyncScope(() => {
      this.#tellError(error);
      this.#pump?.stop();
    });
  }

  #returned(value: unknown): void {
    try {
      this.#context.runInAsyncScope(() => this.#begin(value));
    } catch (error) {
      this.#failed(error);
    }
  }

  #begin(value: unknown): void {
    if (this.#state !== 'running' && isUnstarted(value)) return this.#settled();
    const source = toSource(value, this.push);
    if (source === undefined) return this.#answer(value);
    this.#pump = new Pump(source, this.#target(), this.#creditItems, this.#creditBytes);
    if (this.#state !== 'running') return this.#pump.stop();
    if (this.#holds > 0) this.#pump.hold();
    this.#port.writer.frame([FrameType.opened, this.number, 'stream']);
    this.#pump.run();
  }

  /** The result of a promise method: one item, or none, and the end. */
  #answer(value: unknown): void {
    if (this.#state === 'running') {
      if (!this.#port.writer.hasRoom || this.#holds > 0 || this.#isFailing)
        return this.#keep(value);
      this.#port.writer.frame([FrameType.opened, this.number, 'value']);
      if (value !== undefined) this.#port.writer.item(this.number, value);
      this.#port.writer.frame([FrameType.end, this.number]);
      this.#over('ended');
    }
    this.#settled();
  }

  #keep(value: unknown): void {
    this.#isAtRest = true;
    this.#giveValue = () => {
      this.#giveValue = undefined;
      this.#returned(value);
    };
  }

  #target(): PumpTarget {
    const owner: PumpOwner = {
      ended: () => {
        this.#port.writer.frame([FrameType.end, this.number]);
        this.#over('ended');
      },
      failed: (error) => this.#tellError(error),
      settled: (error) => {
        if (error !== undefined) this.#failedLate(error);
        this.#settled();
      },
    };
    return { writer: this.#port.writer, stream: this.number, owner };
  }

  /** The method threw before it gave a stream: the handler is at rest. */
  #failed(error: unknown): void {
    if (this.#state === 'running') this.#tellError(error);
    else this.#failedLate(error);
    this.#settled();
  }

  #failedLate(error: unknown): void {
    if (!this.#ends.isOwnAbort(error)) this.#port.failedLate(this, error);
  }

  #tellError(error: unknown): void {
    this.#isFailing = true;
    const told = this.#port.toStreamError(error, this);
    if (told instanceof Promise) void told.then((it) => this.#tell(error, it));
    else this.#tell(error, told);
  }

  /** Once what to tell is known; the client may have gone in the meantime. */
  #tell(error: unknown, told: StreamError): void {
    if (this.#state !== 'running') return this.#port.failedLate(this, error);
    this.#writeError(told);
    this.#over('error');
    this.#port.failed(this, error, told);
  }

  /** Its data or its fields may be what can't be sent. */
  #writeError(told: StreamError): void {
    try {
      this.#port.writer.frame([FrameType.error, this.number, toErrorBody(told)]);
    } catch (error) {
      this.#port.writer.frame([FrameType.error, this.number, toBareErrorBody(told)]);
      this.#port.failedLate(this, error);
    }
  }

  #over(end: CallEnd): void {
    this.#state = 'over';
    this.#giveValue = undefined;
    this.#port.over(this);
    this.#ends.over(end);
    if (this.#isAtRest) this.#settled();
    else if (end !== 'ended') this.#watch();
  }

  #watch(): void {
    const { stuckHandlerMs } = this.connection.limits;
    this.#stuck ??= setTimeout(() => this.#port.stuck(this), stuckHandlerMs);
    this.#stuck.unref();
  }

  #settled(): void {
    if (this.#state === 'settled') return;
    this.#isAtRest = true;
    // What to tell of its error is still being found out.
    if (this.#state === 'running') return;
    if (this.#unfinished > 0) return this.#watch();
    this.#state = 'settled';
    clearTimeout(this.#stuck);
    this.#port.settled(this);
    this.#ends.close();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
