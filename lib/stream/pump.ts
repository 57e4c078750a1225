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

/** What may be read from: `return` lets the source clean up. */
export type Source = Pick<AsyncIterator<unknown>, 'next' | 'return'> & {
  /** Resolves when what stands behind a source that has ended is at rest. Most are so at once. */
  rest?(): Promise<void>;
};

/**
 * The sending end of a stream: pulls a source while there is credit and room, one item at a time,
 * and writes what it gives. One loop and no wrapping generator: each layer would cost a third of
 * what an item costs in all.
 */
export class Pump {
  readonly #source: Source;
  readonly #port: PumpPort;
  #items: number;
  #bytes: number;
  #state: 'running' | 'stopped' | 'settled' = 'running';
  #wake: (() => void) | undefined;

  /** `items` and `bytes` are the credit to begin with. Nothing is pulled before `run`. */
  constructor(source: Source, port: PumpPort, items: number, bytes: number) {
    this.#source = source;
    this.#port = port;
    this.#items = items;
    this.#bytes = bytes;
  }

  /** Begins to pull. Called once; never rejects. */
  async run(): Promise<void> {
    try {
      for (;;) {
        while (!this.#mayWrite()) await this.#woken();
        if (this.#state !== 'running') return;
        const result = await this.#source.next();
        if (this.#state !== 'running') return;
        if (result.done === true) return this.#ended();
        this.#items--;
        this.#bytes -= this.#port.write(result.value);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The reader allows more. */
  grant(items: number, bytes: number): void {
    this.#items += items;
    this.#bytes += bytes;
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
    this.resume();
    this.#release();
  }

  #mayWrite(): boolean {
    return (this.#items > 0 && this.#bytes > 0 && this.#port.hasRoom) || this.#state !== 'running';
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #ended(): void {
    this.#state = 'stopped';
    this.#port.end();
    if (this.#source.rest === undefined) this.#settle();
    else void this.#source.rest().then(() => this.#settle());
  }

  /** The source threw, or its item could not be written; then it doesn't know yet. */
  #failed(error: unknown): void {
    if (this.#state === 'stopped') this.#settle(error);
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#port.fail(error);
    this.#release();
  }

  #release(): void {
    this.#returned().then(
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
