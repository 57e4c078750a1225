/** Where a pump writes; one for each stream. None of these may throw but `write`. */
export interface PumpPort {
  /** Whether the connection takes more now; `Pump.resume` is called when it does again. */
  readonly hasRoom: boolean;
  /** Writes one item and returns its size. What it throws ends the stream with that error. */
  write(item: unknown): number;
  /** The source is done. Nothing is written after it. */
  end(): void;
  /** The source failed, or an item could not be written. Nothing is written after it. */
  fail(error: unknown): void;
  /**
   * The source has come to rest: it ended, failed, or was let go and finished its cleanup. Called
   * exactly once, last. `error` is what its cleanup threw after the pump was stopped.
   */
  settled(error?: unknown): void;
}

/** Not a name, which an iterator of the user's may have for something else. */
export const AT_REST: unique symbol = Symbol('at rest');

/** What may be read from: `return` lets the source clean up. */
export type Source = Pick<AsyncIterator<unknown>, 'next' | 'return'> & {
  /**
   * Resolves when what stands behind a source that has ended is at rest, and rejects with what its
   * cleanup threw. Most are so at once.
   */
  [AT_REST]?(): Promise<void>;
};

/**
 * The sending end of a stream: pulls a source while there is credit and room, one item at a time,
 * and writes what it gives. No wrapping generator: each layer would cost a third of what an item
 * costs in all.
 */
export class Pump {
  readonly #source: Source;
  readonly #port: PumpPort;
  #items: number;
  #bytes: number;
  #state: 'running' | 'stopped' | 'settled' = 'running';
  #isHeld = false;
  #wake: (() => void) | undefined;

  /** `items` and `bytes` are the credit to begin with. Nothing is pulled before `run`. */
  constructor(source: Source, port: PumpPort, items: number, bytes: number) {
    this.#source = source;
    this.#port = port;
    this.#items = items;
    this.#bytes = bytes;
  }

  /** Begins to pull. Called once; never throws. */
  run(): void {
    this.#pull();
  }

  /** The reader allows more. */
  grant(items: number, bytes: number): void {
    this.#items += items;
    this.#bytes += bytes;
    this.resume();
  }

  /** Nothing is written from here on, not even what the source gives just now or its end, until `release`. */
  hold(): void {
    this.#isHeld = this.#state === 'running';
  }

  release(): void {
    this.#isHeld = false;
    this.resume();
  }

  /** The connection may have room again. */
  resume(): void {
    if (this.#wake === undefined) return;
    const wake = this.#wake;
    this.#wake = undefined;
    wake();
  }

  /**
   * Nobody reads any more: nothing is written from here on, and the source is let go. A generator
   * that hangs in an `await` hears of it only when it wakes, so this waits for nothing.
   */
  stop(): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.release();
    this.#letGo();
  }

  // Two functions that call each other, and no async one: what that keeps and allocates to wait for
  // an item is a fifth of the item's way through here.
  readonly #pull = (): void => {
    if (!this.#mayWrite()) return this.#wait(this.#pull);
    if (this.#state !== 'running') return;
    try {
      const next: unknown = this.#source.next();
      toPromise(next).then(this.#given, this.#thrown);
    } catch (error) {
      this.#thrown(error);
    }
  };

  readonly #given = (result: IteratorResult<unknown>): void => {
    if (this.#isHeld) return this.#wait(() => this.#given(result));
    if (this.#state !== 'running') return;
    try {
      if (result.done === true) return this.#ended();
      this.#items--;
      this.#bytes -= this.#port.write(result.value);
    } catch (error) {
      return this.#thrown(error);
    }
    this.#pull();
  };

  readonly #thrown = (error: unknown): void => {
    if (this.#isHeld) return this.#wait(() => this.#thrown(error));
    this.#failed(error);
  };

  #mayWrite(): boolean {
    if (this.#state !== 'running') return true;
    return this.#items > 0 && this.#bytes > 0 && !this.#isHeld && this.#port.hasRoom;
  }

  /** Goes on with `then` once something has changed, and not inside of what changed it. */
  #wait(then: () => void): void {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    void woken.then(then);
  }

  #ended(): void {
    this.#state = 'stopped';
    this.#port.end();
    const rest = this.#source[AT_REST]?.();
    if (rest === undefined) this.#settle();
    else this.#settleAfter(rest);
  }

  /** The source threw, or its item could not be written; then it doesn't know yet. */
  #failed(error: unknown): void {
    if (this.#state === 'stopped') this.#settle(error);
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#port.fail(error);
    this.#letGo();
  }

  #letGo(): void {
    this.#settleAfter(this.#returned());
  }

  #settleAfter(cleanup: Promise<void>): void {
    cleanup.then(
      () => this.#settle(),
      (error: unknown) => this.#settle(error),
    );
  }

  async #returned(): Promise<void> {
    await this.#source.return?.();
  }

  #settle(error?: unknown): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#port.settled(error);
  }
}

/** Users' iterators may give what is no promise. */
function toPromise(next: unknown): Promise<IteratorResult<unknown>> {
  const promise = next instanceof Promise ? next : Promise.resolve(next);
  return promise as Promise<IteratorResult<unknown>>;
}
