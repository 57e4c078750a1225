/** Where items go: what a connection writes with. */
export interface ItemWriter {
  /** Whether the connection takes more now; `Pump.resume` is called when it does again. */
  readonly hasRoom: boolean;
  /** Writes one item of a stream and returns its size. What it throws ends the stream with that error. */
  item(stream: number, item: unknown): number;
}

/** Whose stream a pump sends. None of these may throw. */
export interface PumpOwner {
  /** The source is done: the reader is to be told. Nothing is written after it. */
  ended(): void;
  /** The source failed, or an item could not be written: the same. */
  failed(error: unknown): void;
  /**
   * The source has come to rest: it ended, failed, or was let go and finished its cleanup. Called
   * exactly once, last. `error` is what its cleanup threw after the pump was stopped.
   */
  settled(error?: unknown): void;
}

/** The stream a pump sends, by the number it has on its connection. */
export interface PumpTarget {
  readonly writer: ItemWriter;
  readonly stream: number;
  readonly owner: PumpOwner;
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
  readonly #writer: ItemWriter;
  readonly #stream: number;
  readonly #owner: PumpOwner;
  readonly #given: (result: IteratorResult<unknown>) => void;
  readonly #thrown: (error: unknown) => void;
  #items: number;
  #bytes: number;
  #state: 'running' | 'stopped' | 'settled' = 'running';
  #isHeld = false;
  #wake: (() => void) | undefined;

  /** `items` and `bytes` are the credit to begin with. Nothing is pulled before `run`. */
  constructor(source: Source, { writer, stream, owner }: PumpTarget, items: number, bytes: number) {
    this.#source = source;
    this.#writer = writer;
    this.#stream = stream;
    this.#owner = owner;
    this.#items = items;
    this.#bytes = bytes;
    this.#given = this.#onGiven.bind(this);
    this.#thrown = this.#onThrown.bind(this);
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
  #pull(): void {
    if (!this.#mayWrite()) return this.#wait(() => this.#pull());
    if (this.#state !== 'running') return;
    try {
      const next: unknown = this.#source.next();
      toPromise(next).then(this.#given, this.#thrown);
    } catch (error) {
      this.#thrown(error);
    }
  }

  #onGiven(result: IteratorResult<unknown>): void {
    if (this.#isHeld) return this.#wait(() => this.#given(result));
    if (this.#state !== 'running') return;
    try {
      if (result.done === true) return this.#ended();
      this.#items--;
      this.#bytes -= this.#writer.item(this.#stream, result.value);
    } catch (error) {
      return this.#thrown(error);
    }
    this.#pull();
  }

  #onThrown(error: unknown): void {
    if (this.#isHeld) return this.#wait(() => this.#thrown(error));
    this.#failed(error);
  }

  #mayWrite(): boolean {
    if (this.#state !== 'running') return true;
    return this.#items > 0 && this.#bytes > 0 && !this.#isHeld && this.#writer.hasRoom;
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
    this.#owner.ended();
    const rest = this.#source[AT_REST]?.();
    if (rest === undefined) this.#settle();
    else this.#settleAfter(rest);
  }

  /** The source threw, or its item could not be written; then it doesn't know yet. */
  #failed(error: unknown): void {
    if (this.#state === 'stopped') this.#settle(error);
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#owner.failed(error);
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
    this.#owner.settled(error);
  }
}

/** Users' iterators may give what is no promise. */
function toPromise(next: unknown): Promise<IteratorResult<unknown>> {
  const promise = next instanceof Promise ? next : Promise.resolve(next);
  return promise as Promise<IteratorResult<unknown>>;
}
