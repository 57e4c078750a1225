/** What an inbox tells the writer of its stream. */
export interface InboxPort {
  /** The reader took items: the writer may send this many more items and bytes. */
  grant(items: number, bytes: number): void;
  /** The reader gave up before the end. Called at most once, and not after the end. */
  cancel(): void;
}

/** How much may be under way or unread. */
export interface Window {
  readonly items: number;
  readonly bytes: number;
}

/** Items that arrived together: `list` from `at` on. `itemBytes` is what one counts for. */
interface Run {
  readonly list: unknown[];
  readonly from: number;
  at: number;
  readonly itemBytes: number;
}

interface Reader {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

type Ending = { readonly kind: 'end' } | { readonly kind: 'error'; readonly error: unknown };

/** What an item takes beside what it says, about. */
const ITEM_BYTES = 64;

const DONE: IteratorResult<unknown> = Object.freeze({ value: undefined, done: true });

/**
 * The receiving end of a stream: what arrived waits here for one reader. It holds no more than the
 * window, because the writer gets new credit only for what was taken.
 */
export class Inbox implements AsyncIterableIterator<unknown, undefined> {
  readonly #port: InboxPort;
  readonly #window: Window;
  readonly #runs: Run[] = [];
  readonly #readers: Reader[] = [];
  #creditItems: number;
  #creditBytes: number;
  #takenItems = 0;
  #takenBytes = 0;
  #ending: Ending | undefined;

  constructor(port: InboxPort, window: Window) {
    this.#port = port;
    this.#window = window;
    this.#creditItems = window.items;
    this.#creditBytes = window.bytes;
  }

  /** Whether nothing more will be taken in. */
  get isOver(): boolean {
    return this.#ending !== undefined;
  }

  /** About how many bytes of memory the items take that wait here. */
  get weight(): number {
    const [run] = this.#runs;
    if (run === undefined) return 0;
    const items = this.#window.items - this.#creditItems - this.#takenItems;
    const bytes = this.#window.bytes - this.#creditBytes - this.#takenBytes;
    // An item counts for an average: what is left of a run may still be all of it.
    const maybeLeft = (run.at - run.from) * run.itemBytes;
    return bytes + maybeLeft + items * ITEM_BYTES;
  }

  /**
   * Takes in items that arrived together: `list` from `from` on, `bytes` in all. The list belongs
   * to the inbox from here on. Tells whether the credit allowed them; where not, they are dropped.
   */
  receive(list: unknown[], from: number, bytes: number): boolean {
    const count = list.length - from;
    if (this.#creditItems < count || this.#creditBytes <= 0) return false;
    this.#creditItems -= count;
    this.#creditBytes -= bytes;
    if (this.#ending !== undefined) return true;
    this.#runs.push({ list, from, at: from, itemBytes: bytes / count });
    while (this.#readers.length > 0 && this.#runs.length > 0) {
      this.#readers.shift()?.resolve({ value: this.#take(), done: false });
    }
    return true;
  }

  /** The writer is done: what waits is still read, then the stream ends. */
  end(): void {
    this.#finish({ kind: 'end' });
  }

  /** The writer failed: what waits is still read, then the reader gets the error, once. */
  fail(error: unknown): void {
    this.#finish({ kind: 'error', error });
  }

  /** The call is over: what waits is dropped, and the stream ends. */
  close(): void {
    this.#runs.length = 0;
    this.#ending = undefined;
    this.#finish({ kind: 'end' });
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#runs.length > 0) return Promise.resolve({ value: this.#take(), done: false });
    if (this.#ending !== undefined) return this.#ended(this.#ending);
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve: resolve as Reader['resolve'], reject });
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    const left = this.#ending === undefined;
    this.close();
    if (left) this.#port.cancel();
    return Promise.resolve(DONE as IteratorResult<unknown, undefined>);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): unknown {
    const run = this.#runs[0] as Run;
    const item = run.list[run.at];
    // The writer has credit for another one, so this one may not stay here until its run is read.
    run.list[run.at++] = undefined;
    if (run.at === run.list.length) this.#runs.shift();
    this.#takenItems++;
    this.#takenBytes += run.itemBytes;
    if (this.#takenItems * 2 >= this.#window.items || this.#takenBytes * 2 >= this.#window.bytes) {
      this.#grant();
    }
    return item;
  }

  #grant(): void {
    const items = this.#takenItems;
    const bytes = Math.floor(this.#takenBytes);
    this.#takenItems = 0;
    this.#takenBytes -= bytes;
    this.#creditItems += items;
    this.#creditBytes += bytes;
    if (this.#ending === undefined) this.#port.grant(items, bytes);
  }

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    for (const reader of this.#readers.splice(0)) {
      this.#ended(this.#ending).then(reader.resolve, reader.reject);
    }
  }

  #ended(ending: Ending): Promise<IteratorResult<unknown, undefined>> {
    this.#ending = { kind: 'end' };
    if (ending.kind === 'error') return Promise.reject(ending.error);
    return Promise.resolve(DONE as IteratorResult<unknown, undefined>);
  }
}
