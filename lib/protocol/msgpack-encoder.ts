import { ByteWriter } from './byte-writer.js';
import type { CodecLimits } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import type { ModelPort } from './model-port.js';
import { Format } from './msgpack-format.js';
import { MsgpackWriter } from './msgpack-writer.js';
import { tooLarge } from './refused-values.js';
import type { SharedEncoding, SharedItem } from './shared-item.js';
import { isSameTarget, type RunTarget } from './shared-runs.js';
import { SharingEncoder } from './sharing-encoder.js';

/** The levels in a message, which is no level itself. */
const FRAME_DEPTH = 1;
const VALUE_DEPTH = 2;

/** As many as an array16 holds. */
const MAX_RUN = 0xffff - FIRST_ITEM;
const UINT32_BYTES = 5;

const NO_RUN = 0;

/** What a stream's number adds to a run that stands there already, about. */
const JOINED_SIZE = 3;

/** Gathers frames as MessagePack: a message is frames, one after the other (PROTOCOL.md, 5.2). */
export class MsgpackEncoder extends SharingEncoder<Uint8Array> {
  #isWriting = false;
  readonly #out = new ByteWriter();
  readonly #writer: MsgpackWriter;
  #run: RunTarget = NO_RUN;
  #runItems = 0;
  /** Where the run's array begins, and where its first item. */
  #runStart = 0;
  #runItemsStart = 0;

  constructor(models: ModelPort, limits: CodecLimits) {
    super(models);
    this.#writer = new MsgpackWriter(this.#out, models, this.types, limits.depth);
  }

  override item(stream: number, item: unknown): number {
    if (this.#isWriting) throw reentered();
    return super.item(stream, item);
  }

  /** Nothing while a value is being written: a getter of it may close the connection. */
  override take(): Uint8Array | undefined {
    return this.#isWriting ? undefined : super.take();
  }

  frame(frame: readonly unknown[]): void {
    if (this.#isWriting) throw reentered();
    this.endShared();
    this.#endRun();
    this.#write(frame, FRAME_DEPTH, this.#out.length);
  }

  protected get joinedSize(): number {
    return JOINED_SIZE;
  }

  protected ownItem(stream: number, item: unknown): number {
    this.endShared();
    const before = this.#out.length;
    this.#continueRun(stream);
    const start = this.#out.length;
    this.#write(item, VALUE_DEPTH, before);
    this.#runItems++;
    return this.#out.length - start;
  }

  protected append(target: RunTarget, body: Uint8Array): void {
    this.#continueRun(target);
    this.#out.raw(body);
    this.#runItems++;
    this.ownSize = this.#out.length;
  }

  protected encode(item: object): Uint8Array {
    const start = this.#out.length;
    this.#write(item, VALUE_DEPTH, start);
    const body = this.#out.cut(start);
    this.ownSize = start;
    return body;
  }

  protected fits(body: Uint8Array): boolean {
    return body.length <= this.maxFrameBytes;
  }

  protected kept({ msgpack }: SharedItem): SharedEncoding<Uint8Array> | undefined {
    return msgpack;
  }

  protected keep(item: SharedItem, encoding: SharedEncoding<Uint8Array>): void {
    item.msgpack = encoding;
  }

  protected gathered(): Uint8Array | undefined {
    this.#endRun();
    if (this.ownSize === 0) return undefined;
    this.ownSize = 0;
    const message = this.#out.take();
    return this.types.hasFresh ? this.#announceBefore(message) : message;
  }

  /** Types are announced before their first use, but known only after it was written. */
  #announceBefore(message: Uint8Array): Uint8Array {
    this.#writer.value(this.types.takeFrame(), FRAME_DEPTH);
    this.#out.raw(message);
    return this.#out.take();
  }

  /** A value's getters are the user's code: what they throw takes back all from `before` on. */
  #write(value: unknown, depth: number, before: number): void {
    const start = this.#out.length;
    this.#isWriting = true;
    try {
      this.#writer.value(value, depth);
      if (this.#out.length - start > this.maxFrameBytes) throw tooLarge(this.maxFrameBytes);
    } catch (error) {
      this.#out.truncate(before);
      if (this.#runItems === 0) this.#run = NO_RUN;
      throw error;
    } finally {
      this.#isWriting = false;
      this.ownSize = this.#out.length;
    }
  }

  #continueRun(target: RunTarget): void {
    if (this.#runItems === MAX_RUN || !isSameTarget(this.#run, target)) this.#beginRun(target);
  }

  /** The numbers of a run's items and bytes stand before them and are filled in at its end. */
  #beginRun(target: RunTarget): void {
    this.#endRun();
    this.#run = target;
    this.#runItems = 0;
    this.#runStart = this.#out.length;
    this.#out.tagged16(Format.array16, 0);
    this.#out.byte(FrameType.item);
    if (typeof target === 'number') this.#out.number(target);
    else this.#writer.value(target, VALUE_DEPTH);
    this.#out.tagged32(Format.uint32, 0);
    this.#runItemsStart = this.#out.length;
  }

  #endRun(): void {
    if (this.#run === NO_RUN) return;
    this.#run = NO_RUN;
    const out = this.#out;
    const end = out.length;
    out.length = this.#runStart;
    out.tagged16(Format.array16, this.#runItems + FIRST_ITEM);
    out.length = this.#runItemsStart - UINT32_BYTES;
    out.tagged32(Format.uint32, end - this.#runItemsStart);
    out.length = end;
  }
}

function reentered(): TypeError {
  return new TypeError('A getter of a value being sent must not send anything itself.');
}
