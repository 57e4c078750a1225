import { ByteWriter } from './byte-writer.js';
import { type CodecLimits, type FrameEncoder, NO_LIMIT } from './codec.js';
import { FIRST_ITEM, FrameType } from './frames.js';
import type { ModelPort } from './model-port.js';
import { Format } from './msgpack-format.js';
import { MsgpackWriter } from './msgpack-writer.js';
import { tooLarge } from './refused-values.js';
import { SharedEncoding } from './shared-item.js';
import { isSameTarget, type RunTarget, SharedRuns } from './shared-runs.js';
import { AnnouncedTypes } from './type-table.js';

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
export class MsgpackEncoder implements FrameEncoder {
  maxFrameBytes = NO_LIMIT;
  readonly #out = new ByteWriter();
  readonly #types = new AnnouncedTypes();
  readonly #models: ModelPort;
  readonly #writer: MsgpackWriter;
  readonly #shared = new SharedRuns<SharedEncoding<Uint8Array>>();
  #sharedSize = 0;
  #run: RunTarget = NO_RUN;
  #runItems = 0;
  /** Where the run's array begins, and where its first item. */
  #runStart = 0;
  #runItemsStart = 0;
  #isWriting = false;

  constructor(models: ModelPort, limits: CodecLimits) {
    this.#models = models;
    this.#writer = new MsgpackWriter(this.#out, models, this.#types, limits.depth);
  }

  get size(): number {
    return this.#out.length + this.#sharedSize;
  }

  item(stream: number, item: unknown): number {
    if (this.#isWriting) throw reentered();
    const shared = this.#sharedEncoding(item);
    if (shared !== undefined) return this.#share(stream, shared);
    this.#endShared();
    const before = this.#out.length;
    this.#continueRun(stream);
    const start = this.#out.length;
    this.#write(item, VALUE_DEPTH, before);
    this.#runItems++;
    return this.#out.length - start;
  }

  frame(frame: readonly unknown[]): void {
    if (this.#isWriting) throw reentered();
    this.#endShared();
    this.#endRun();
    this.#write(frame, FRAME_DEPTH, this.#out.length);
  }

  take(): Uint8Array | undefined {
    const only = this.#out.length === 0 && !this.#types.hasFresh ? this.#shared.only : undefined;
    const message = only?.messageFor(this.#shared.firstTarget) ?? this.#gathered(only);
    this.#shared.clear();
    this.#sharedSize = 0;
    return message;
  }

  /** What stands for an item on all connections, if it is one that goes to many streams. */
  #sharedEncoding(item: unknown): SharedEncoding<Uint8Array> | undefined {
    if (typeof item !== 'object' || item === null) return undefined;
    const shared = this.#models.sharedItem?.(item);
    if (shared?.isUpToDate(item, this.#models) !== true) return undefined;
    const encoding = shared.msgpack ?? this.#encodeShared(item);
    // Where fields stand otherwise than on other connections, the item is encoded for here alone.
    if (encoding.body.length > this.maxFrameBytes) return undefined;
    if (encoding.types.length > 0 && !this.#types.useAll(encoding.types)) return undefined;
    shared.msgpack = encoding;
    return encoding;
  }

  #encodeShared(item: object): SharedEncoding<Uint8Array> {
    const start = this.#out.length;
    const types = this.#types.usedBy(() => this.#write(item, VALUE_DEPTH, start));
    const body = this.#out.cut(start);
    return new SharedEncoding(body, types);
  }

  #share(stream: number, encoding: SharedEncoding<Uint8Array>): number {
    const { length } = encoding.body;
    this.#sharedSize += this.#shared.add(stream, encoding) ? JOINED_SIZE : length;
    return length;
  }

  /** What stands behind shared items must not overtake them. */
  #endShared(): void {
    if (this.#sharedSize === 0) return;
    this.#sharedSize = 0;
    this.#shared.drain((target, { body }) => {
      this.#continueRun(target);
      this.#out.raw(body);
      this.#runItems++;
    });
  }

  #gathered(only: SharedEncoding<Uint8Array> | undefined): Uint8Array | undefined {
    const target = this.#shared.firstTarget;
    this.#endShared();
    this.#endRun();
    if (this.#out.length === 0) return undefined;
    const message = this.#out.take();
    if (this.#types.hasFresh) return this.#announceBefore(message);
    only?.keep(target, message);
    return message;
  }

  /** Types are announced before their first use, but known only after it was written. */
  #announceBefore(message: Uint8Array): Uint8Array {
    this.#writer.value(this.#types.takeFrame(), FRAME_DEPTH);
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
