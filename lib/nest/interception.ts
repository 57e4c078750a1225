import { EMPTY, isObservable, type Observable, type Subscription } from 'rxjs';
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
  /** The handler runs and has not given its result. */
  #isHandling = false;
  #isAnswered = false;
  #subscription: Subscription | undefined;
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
    const result = (await intercept(() => this.#invoke())) as Observable<unknown>;
    if (call.end !== undefined) return this.#resolve(undefined);
    const subscription = result.subscribe({
      next: (item) => this.#next(item),
      error: (error: unknown) => this.#error(error),
      complete: () => this.#complete(),
    });
    this.#subscription = subscription;
    this.#output.subscription = subscription;
    call.onOver(() => {
      this.#output.close();
      if (!this.#isHandling && this.#kind !== 'stream') this.#giveUp();
    });
  }

  /** Nobody waits for what the interceptors make of it any more. */
  #giveUp(): void {
    this.#subscription?.unsubscribe();
    this.#resolve(undefined);
  }

  async #invoke(): Promise<unknown> {
    const { call, invoke } = this.#interception;
    if (call.end !== undefined) return EMPTY;
    const result = await this.#handle(invoke);
    if (!isStream(result)) {
      this.#decide('value');
      if (call.end !== undefined) this.#giveUp();
      return result;
    }
    const observable = isObservable(result) ? result : this.#pace(result, call.push);
    // The client left while the handler was making its stream: nobody will read it.
    if (call.end !== undefined) this.#output.close();
    this.#decide('stream');
    return observable;
  }

  async #handle(invoke: () => unknown): Promise<unknown> {
    this.#isHandling = true;
    try {
      return await invoke();
    } catch (error) {
      // Its interceptors have answered in its place, after a timeout say, and hear nothing more.
      if (this.#isAnswered) this.#interception.failedLate(error);
      throw error;
    } finally {
      this.#isHandling = false;
    }
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

  /** An interceptor may answer in the handler's place. */
  #decideByMethod(): void {
    this.#decide(this.#interception.givesStream ? 'stream' : 'value');
  }

  #next(item: unknown): void {
    this.#decideByMethod();
    if (this.#kind === 'stream') this.#output.push(item);
    else this.#last = item;
  }

  #error(error: unknown): void {
    this.#isAnswered = true;
    if (this.#kind === 'stream') this.#output.fail(error);
    else this.#reject(error);
  }

  #complete(): void {
    this.#isAnswered = true;
    this.#decideByMethod();
    if (this.#kind === 'stream') this.#output.end();
    else this.#resolve(this.#last);
  }
}
