import { StreamError } from '../protocol/stream-error.js';
import type { CallEnd } from './call.js';

/** The two ends of a call and what waits for them: it is over first, and closed once it has settled. */
export class CallEnds {
  readonly #failed: (error: unknown) => void;
  #end: CallEnd | undefined;
  #isClosed = false;
  #onOver: (() => void)[] | undefined;
  #onClose: (() => void)[] | undefined;
  #abort: AbortController | undefined;

  /** `failed` hears what a waiting function throws; it doesn't stop the next one. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** How the call ended; `undefined` while it runs. */
  get end(): CallEnd | undefined {
    return this.#end;
  }

  /** Aborted when the call is over. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#end !== undefined) this.#abort.abort(abortReason(this.#end));
    }
    return this.#abort.signal;
  }

  /** Runs a function when the call is over; at once when it is. */
  onOver(run: () => void): void {
    if (this.#end !== undefined) return this.#run(run);
    this.#onOver ??= [];
    this.#onOver.push(run);
  }

  /** Runs a function when the call is closed; at once when it is. */
  onClose(run: () => void): void {
    if (this.#isClosed) return this.#run(run);
    this.#onClose ??= [];
    this.#onClose.push(run);
  }

  /** The call is over. Called once. */
  over(end: CallEnd): void {
    this.#end = end;
    for (const run of this.#onOver?.splice(0) ?? []) this.#run(run);
    this.#abort?.abort(abortReason(end));
  }

  /** The handler has settled. Called once, after `over`. */
  close(): void {
    this.#isClosed = true;
    for (const run of this.#onClose?.splice(0) ?? []) this.#run(run);
  }

  /**
   * Whether an error is only the signal's own reason, thrown by what heeded it. Much of Node wraps
   * it in an error of its own.
   */
  isOwnAbort(error: unknown): boolean {
    if (this.#abort?.signal.aborted !== true) return false;
    const { reason } = this.#abort.signal;
    return error === reason || isCausedBy(error, reason);
  }

  /** A function may be asynchronous, and a rejection that nobody handles would end the process. */
  #run(run: () => unknown): void {
    try {
      const result = run();
      if (result instanceof Promise) result.catch(this.#failed);
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** What is thrown may throw again when it is looked at. */
function isCausedBy(error: unknown, reason: unknown): boolean {
  try {
    return error instanceof Error && error.cause === reason;
  } catch {
    return false;
  }
}

function abortReason(end: CallEnd): StreamError {
  return new StreamError('cancelled', `The call is over: ${end}.`);
}
