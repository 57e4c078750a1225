import { Format } from './msgpack-format.js';

const SMALLEST_BUFFER = 128;
/** What a message is expected to need is kept below this, however large the last one was. */
const LARGEST_EXPECTED = 64 * 1024;
/** Up to this many characters a loop is faster than TextEncoder. */
const LOOP_CHARACTERS = 40;

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** In Node small buffers come out of its pool; a new Uint8Array costs twenty times as much. */
function allocate(size: number): Uint8Array {
  return typeof Buffer === 'undefined' ? new Uint8Array(size) : Buffer.allocUnsafe(size);
}

/**
 * A growing buffer, written from its start, and MessagePack's scalars. It holds memory only while
 * something is in it.
 */
export class ByteWriter {
  /** What was written are the first `length` of these. */
  bytes: Uint8Array = NOTHING;
  length = 0;
  #view: DataView | undefined;
  /** As much as the last message needed, so that one like it doesn't grow its buffer. */
  #expected = SMALLEST_BUFFER;

  /** Hands over what was written; the caller owns it. */
  take(): Uint8Array {
    const { bytes, length } = this;
    this.#release();
    this.#expected = Math.min(Math.max(length + (length >> 3), SMALLEST_BUFFER), LARGEST_EXPECTED);
    // The taker may hold it for long, so it should not hold much more than it needs.
    if (length > bytes.length >> 1 || bytes.length <= SMALLEST_BUFFER) {
      return bytes.subarray(0, length);
    }
    const exact = allocate(length);
    exact.set(bytes.subarray(0, length));
    return exact;
  }

  /** Takes out what was written from `start` on: a copy. */
  cut(start: number): Uint8Array {
    const copy = new Uint8Array(this.length - start);
    copy.set(this.bytes.subarray(start, this.length));
    this.truncate(start);
    return copy;
  }

  /** Drops all that was written from `length` on. */
  truncate(length: number): void {
    if (length === 0) this.#release();
    else this.length = length;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(this.length + count);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** A byte and a big-endian number of 16 bits after it. */
  tagged16(tag: number, value: number): void {
    this.reserve(3);
    const { bytes, length } = this;
    bytes[length] = tag;
    bytes[length + 1] = value >> 8;
    bytes[length + 2] = value;
    this.length = length + 3;
  }

  /** A byte and a big-endian number of 32 bits after it. */
  tagged32(tag: number, value: number): void {
    this.reserve(5);
    const { bytes, length } = this;
    bytes[length] = tag;
    bytes[length + 1] = value >> 24;
    bytes[length + 2] = value >> 16;
    bytes[length + 3] = value >> 8;
    bytes[length + 4] = value;
    this.length = length + 5;
  }

  /** A number in its shortest form. */
  number(value: number): void {
    if (value >>> 0 === value && (value !== 0 || !Object.is(value, -0))) {
      if (value < 0x80) this.byte(value);
      else this.#unsigned(value);
    } else if ((value | 0) === value && value < 0) this.#negative(value);
    else if (Number.isSafeInteger(value) && value !== 0) this.#integer64(value);
    else this.float64(value);
  }

  float64(value: number): void {
    this.byte(Format.float64);
    this.rawFloat64(value);
  }

  rawFloat64(value: number): void {
    this.reserve(8);
    this.#dataView().setFloat64(this.length, value);
    this.length += 8;
  }

  text(value: string): void {
    if (value.length > LOOP_CHARACTERS || !this.#shortAscii(value)) this.#longText(value);
  }

  binary(value: Uint8Array): void {
    const count = value.length;
    if (count < 0x100) this.tagged8(Format.bytes8, count);
    else if (count < 0x10000) this.tagged16(Format.bytes16, count);
    else this.tagged32(Format.bytes32, count);
    this.raw(value);
  }

  /** Two bytes. */
  tagged8(tag: number, value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = tag;
    this.bytes[this.length++] = value;
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  /** Moves what was written from `start` on by `count`, to make room for a longer header. */
  shift(start: number, count: number): void {
    this.reserve(count);
    this.bytes.copyWithin(start + count, start, this.length);
    this.length += count;
  }

  #unsigned(value: number): void {
    if (value < 0x100) this.tagged8(Format.uint8, value);
    else if (value < 0x10000) this.tagged16(Format.uint16, value);
    else this.tagged32(Format.uint32, value);
  }

  #negative(value: number): void {
    if (value >= -0x20) this.byte(value);
    else if (value >= -0x80) this.tagged8(Format.int8, value);
    else if (value >= -0x8000) this.tagged16(Format.int16, value);
    else this.tagged32(Format.int32, value);
  }

  #integer64(value: number): void {
    this.byte(value < 0 ? Format.int64 : Format.uint64);
    this.reserve(8);
    const view = this.#dataView();
    view.setInt32(this.length, Math.floor(value / 0x100000000));
    view.setUint32(this.length + 4, value >>> 0);
    this.length += 8;
  }

  /** Writes nothing and returns false when it isn't ASCII. */
  #shortAscii(value: string): boolean {
    const count = value.length;
    this.reserve(2 + count);
    const { bytes } = this;
    let at = this.length;
    if (count < 32) bytes[at++] = Format.fixText | count;
    else {
      bytes[at++] = Format.text8;
      bytes[at++] = count;
    }
    for (let i = 0; i < count; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    this.length = at;
    return true;
  }

  /** The length in bytes is known afterwards only; the header is guessed and then put right. */
  #longText(value: string): void {
    const start = this.length;
    const guess = headerLength(value.length);
    this.reserve(guess + value.length * 3);
    const { written } = encoder.encodeInto(value, this.bytes.subarray(start + guess));
    this.length = start + guess + written;
    const needed = headerLength(written);
    if (needed !== guess) this.shift(start + guess, needed - guess);
    const end = this.length;
    this.length = start;
    this.#textHeader(written);
    this.length = end;
  }

  #textHeader(count: number): void {
    if (count < 32) this.byte(Format.fixText | count);
    else if (count < 0x100) this.tagged8(Format.text8, count);
    else if (count < 0x10000) this.tagged16(Format.text16, count);
    else this.tagged32(Format.text32, count);
  }

  #dataView(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    return this.#view;
  }

  #release(): void {
    this.bytes = NOTHING;
    this.length = 0;
    this.#view = undefined;
  }

  #grow(needed: number): void {
    const bytes = allocate(Math.max(needed, this.#expected, this.bytes.length * 2));
    if (this.length > 0) bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.#view = undefined;
  }
}

function headerLength(count: number): number {
  if (count < 32) return 1;
  if (count < 0x100) return 2;
  return count < 0x10000 ? 3 : 5;
}
