import { ProtocolViolation } from './violation.js';

/** Up to this many bytes a text is put together here; TextDecoder is faster for more. */
const LOOP_BYTES = 32;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const toText = String.fromCharCode as (...codes: (number | undefined)[]) => string;

/** Reads a message from its start to its end, and never beyond. */
export class ByteReader {
  readonly bytes: Uint8Array;
  position = 0;
  #view: DataView | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /**
   * Steps over `count` bytes and gives the place of the first.
   *
   * @throws ProtocolViolation when there are fewer.
   */
  skip(count: number): number {
    const start = this.position;
    const end = start + count;
    if (end > this.bytes.length) throw new ProtocolViolation('a message cut short');
    this.position = end;
    return start;
  }

  uint8(): number {
    return this.bytes[this.skip(1)] as number;
  }

  uint16(): number {
    return this.#dataView().getUint16(this.skip(2));
  }

  uint32(): number {
    return this.#dataView().getUint32(this.skip(4));
  }

  float32(): number {
    return this.#dataView().getFloat32(this.skip(4));
  }

  float64(): number {
    return this.#dataView().getFloat64(this.skip(8));
  }

  /** A copy, so that a value doesn't keep its message. */
  copy(count: number): Uint8Array {
    const start = this.skip(count);
    const copy = new Uint8Array(count);
    copy.set(this.bytes.subarray(start, start + count));
    return copy;
  }

  /**
   * A text of `count` bytes of UTF-8.
   *
   * @throws ProtocolViolation when it isn't UTF-8.
   */
  text(count: number): string {
    const start = this.skip(count);
    if (count <= LOOP_BYTES && this.#isAscii(start, count)) return this.#ascii(start, count);
    try {
      return decoder.decode(this.bytes.subarray(start, start + count));
    } catch {
      throw new ProtocolViolation('a text that is not UTF-8');
    }
  }

  #isAscii(start: number, count: number): boolean {
    const { bytes } = this;
    let bits = 0;
    for (let i = start, end = start + count; i < end; i++) bits |= bytes[i] as number;
    return bits < 0x80;
  }

  /** In few and wide steps, because each of them makes a string. */
  #ascii(start: number, count: number): string {
    const b = this.bytes;
    const end = start + count;
    let text = '';
    let i = start;
    for (; i + 16 <= end; i += 16) {
      text += toText(
        b[i],
        b[i + 1],
        b[i + 2],
        b[i + 3],
        b[i + 4],
        b[i + 5],
        b[i + 6],
        b[i + 7],
        b[i + 8],
        b[i + 9],
        b[i + 10],
        b[i + 11],
        b[i + 12],
        b[i + 13],
        b[i + 14],
        b[i + 15],
      );
    }
    for (; i + 4 <= end; i += 4) text += toText(b[i], b[i + 1], b[i + 2], b[i + 3]);
    for (; i < end; i++) text += toText(b[i]);
    return text;
  }

  /** Made when it is needed: few messages hold anything but small numbers. */
  #dataView(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    return this.#view;
  }
}
