import type { Source } from '../stream/pump.js';
import { discard, type PushOptions, toSource } from '../stream/source.js';

const DONE: IteratorResult<unknown> = Object.freeze({ value: undefined, done: true });

/** What a source gave, or that it threw. */
type Given = { readonly result: IteratorResult<unknown> } | { readonly error: unknown };

/**
 * One input of a call. A call that is refused before it has begun is opened again, so what its first
 * try read of the source is kept until the call shows a sign of life; that is no more than the first
 * credit. The source itself is made once, and read on by the next try.
 */
export class CallInput {
  readonly #stream: unknown;
  readonly #given: (Given | undefined)[] = [];
  #source: Source | undefined;
  #keeps: boolean;
  /** What the source is being asked for just now, by whichever try. */
  #pending: Promise<void> | undefined;
  /** The present try's. */
  #reader: InputReader | undefined;

  /** `keeps`: the call may be opened again. */
  constructor(stream: unknown, keeps: boolean) {
    this.#stream = stream;
    this.#keeps = keeps;
  }

  /** What one try to open the call reads: all there is, from the first item on. */
  open(push: PushOptions): Source {
    this.#source ??= toSource(this.#stream, push) as Source;
    if (!this.#keeps) return this.#source;
    this.#reader = new InputReader(this, this.#source);
    return this.#reader;
  }

  /** The call has begun: it will not be opened again. */
  settle(): void {
    this.#keeps = false;
    this.#given.fill(undefined, 0, this.#reader?.read);
  }

  /** The try is over, and there will be another: what stops it now leaves the source alone. */
  detach(): void {
    this.#reader = undefined;
  }

  /** Nobody will read it any more. Never throws. */
  discard(): void {
    if (this.#source === undefined) return discard(this.#stream);
    letGo(this.#source).catch(() => undefined);
  }

  /** For its readers: whether nothing of the source was kept, or will be, from this place on. */
  isAllReadAt(place: number): boolean {
    return !this.#keeps && this.#pending === undefined && place === this.#given.length;
  }

  /** For its readers: whether this one is the present try's. */
  isReadBy(reader: InputReader): boolean {
    return this.#reader === reader;
  }

  /** For its readers: what stands at a place, which is the next one of the source at most. */
  async at(place: number): Promise<IteratorResult<unknown>> {
    if (place === this.#given.length) {
      this.#pending ??= this.#read(this.#source as Source);
      await this.#pending;
    }
    const given = this.#given[place];
    if (!this.#keeps) this.#given[place] = undefined;
    if (given === undefined) return DONE;
    if ('error' in given) throw given.error;
    return given.result;
  }

  /** Never rejects. */
  async #read(source: Source): Promise<void> {
    try {
      this.#given.push({ result: own(await source.next()) });
    } catch (error) {
      this.#given.push({ error });
    }
    this.#pending = undefined;
  }
}

/** Reads an input for one try: what was kept first, then the source itself. */
class InputReader implements Source {
  readonly #input: CallInput;
  readonly #source: Source;
  #place = 0;
  /** From here on nothing stands between the source and who reads it. */
  #isThrough = false;

  constructor(input: CallInput, source: Source) {
    this.#input = input;
    this.#source = source;
  }

  /** How many items were read for good: the one that is asked for is not among them. */
  get read(): number {
    return Math.max(0, this.#place - 1);
  }

  next(): Promise<IteratorResult<unknown>> {
    this.#isThrough ||= this.#input.isAllReadAt(this.#place);
    return this.#isThrough ? this.#source.next() : this.#input.at(this.#place++);
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (!this.#input.isReadBy(this)) return DONE;
    this.#input.detach();
    await letGo(this.#source);
    return DONE;
  }
}

async function letGo(source: Source): Promise<void> {
  await source.return?.();
}

/** A source may use the same bytes again for its next item, and the same result. */
function own({ value, done }: IteratorResult<unknown>): IteratorResult<unknown> {
  if (done === true) return DONE;
  return { value: value instanceof Uint8Array ? new Uint8Array(value) : value, done: false };
}
