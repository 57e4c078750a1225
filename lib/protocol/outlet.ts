import type { FrameWriter } from './frame-writer.js';
import { FrameType } from './frames.js';

/** What a stream's owner hears of it. */
export interface OutletOwner {
  /** The end was written. */
  ended(): void;
  /** The source failed, or an item could not be written: the owner says so to the reader. */
  failed(error: unknown): void;
  /** The source has come to rest; `error` is what its cleanup threw. */
  settled(error?: unknown): void;
}

/**
 * The place where the items of one stream go into a connection: what a pump asks of its port. A
 * class, because every item asks, and an object with a getter of its own is slow to be asked.
 */
export class Outlet {
  readonly #writer: Pick<FrameWriter, 'hasRoom' | 'item' | 'frame'>;
  readonly #stream: number;
  readonly #owner: OutletOwner;

  constructor(
    writer: Pick<FrameWriter, 'hasRoom' | 'item' | 'frame'>,
    stream: number,
    owner: OutletOwner,
  ) {
    this.#writer = writer;
    this.#stream = stream;
    this.#owner = owner;
  }

  get hasRoom(): boolean {
    return this.#writer.hasRoom;
  }

  write(item: unknown): number {
    return this.#writer.item(this.#stream, item);
  }

  end(): void {
    this.#writer.frame([FrameType.end, this.#stream]);
    this.#owner.ended();
  }

  fail(error: unknown): void {
    this.#owner.failed(error);
  }

  settled(error?: unknown): void {
    this.#owner.settled(error);
  }
}
