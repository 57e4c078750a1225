import { AsyncResource } from 'node:async_hooks';
import { EMPTY, isObservable, Observable } from 'rxjs';
import type { ServerCall } from '../server/call.js';
import { isStream, type PushOptions, toSource } from '../stream/source.js';
import { InterceptedOutput } from './intercepted-output.js';

/** One call of a method that has interceptors. */
export interface Interception {
  readonly call: ServerCall;
  /** What the method is known to give, for interceptors that answer without running it. */
  readonly givesStream: boolean;
  /** Runs Nest's interceptors around `next`. */
  intercept(next: () => Promise<unknown>): Promise<unknown>;
  /** Runs the handler; may give a promise. */
  invoke(): unknown;
  /** Hears of an error that comes when the call is over. */
  failedLate(error: unknown): void;
}

/**
 * Runs the interceptors and the handler inside them, and gives what the engine takes for the
 * method's result: a stream as soon as the handler has given one, the last value of anything else.
 */
export function runIntercepted(interception: Interception): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const run = new InterceptedRun(interception, resolve, reject);
    run.start().catch(reject);
  });
}

class InterceptedRun {
  readonly #interception: Interception;
  readonly #output: InterceptedOutput;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #kind: 'stream' | 'value' | undefined;
  /** Runs of the handler that have not given their result; `retry` may begin several. */
  readonly #running = new Set<Promise<unknown>>();
  #last: unknown;

  constructor(
    interception: Interception,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#interception = interception;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#output = new InterceptedOutput(interception.call.push, (error) =>
      interception.failedLate(error),
    );
  }

  async start(): Promise<void> {
    const { call, intercept } = this.#interception;
    const result = (await intercept(() => this.#run())) as Observable<unknown>;
    if (call.end !== undefined) return this.#resolve(undefined);
    const subscription = result.subscribe({
      next: (item) => this.#next(item),
      error: (error: unknown) => this.#error(error),
      complete: () => this.#complete(),
    });
    this.#output.subscription = subscription;
    call.onOver(() => {
      this.#output.close();
      this.#keepRunning();
      if (this.#kind === 'stream') return;
      // Nobody waits for what the interceptors make of it any more.
      subscription.unsubscribe();
      this.#resolve(undefined);
    });
  }

  async #run(): Promise<unknown> {
    const run = this.#invoke();
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  async #invoke(): Promise<unknown> {
    const { call, invoke } = this.#interception;
    if (call.end !== undefined) return EMPTY;
    const result = await invoke();
    if (!isStream(result)) {
      this.#decide('value');
      return result;
    }
    const observable = isObservable(result) ? result : this.#pace(result, call.push);
    // The client left while the handler was making its stream: nobody will read it.
    if (call.end !== undefined) this.#output.close();
    this.#decide('stream');
    return subscribedHere(observable);
  }

  #pace(stream: unknown, push: PushOptions): Observable<unknown> {
    const source = toSource(stream, push);
    return source === undefined ? EMPTY : this.#output.paced(source);
  }

  #decide(kind: 'stream' | 'value'): void {
    if (this.#kind !== undefined) return;
    this.#kind = kind;
    if (kind === 'stream') this.#resolve(this.#output);
  }

  /** What comes before the handler has shown what it gives is kept for either. */
  #next(item: unknown): void {
    if (this.#interception.givesStream) this.#decide('stream');
    if (this.#kind !== 'value') this.#output.push(item);
    if (this.#kind !== 'stream') this.#last = item;
  }

  /** The handler may run on: its interceptors answered in its place, or the client left. */
  #keepRunning(): void {
    const { call } = this.#interception;
    for (const run of this.#running) call.keepUntil(run.then(() => this.#output.rest()));
    this.#running.clear();
  }

  #error(error: unknown): void {
    this.#keepRunning();
    if (this.#kind === 'stream') this.#output.fail(error);
    else this.#reject(error);
  }

  #complete(): void {
    this.#keepRunning();
    // An interceptor may answer in the handler's place.
    this.#decide(this.#interception.givesStream ? 'stream' : 'value');
    if (this.#kind === 'stream') this.#output.end();
    else this.#resolve(this.#last);
  }
}

/** Interceptors subscribe in another asynchronous context than they gave the handler. */
function subscribedHere(observable: Observable<unknown>): Observable<unknown> {
  const context = new AsyncResource('StreamingOutput');
  return new Observable((subscriber) =>
    context.runInAsyncScope(() => observable.subscribe(subscriber)),
  );
}
