import { ByteWriter } from '../../protocol/byte-writer.js';
import type { CodecLimits } from '../../protocol/codec.js';
import type { ModelPort } from '../../protocol/model-port.js';
import { Format } from '../../protocol/msgpack-format.js';
import { MsgpackWriter } from '../../protocol/msgpack-writer.js';
import { tooLarge } from '../../protocol/refused-values.js';
import { AnnouncedTypes } from '../../protocol/type-table.js';

/** The level of a message's own fields, as on the wire to clients without the frame around it. */
export const MESSAGE_DEPTH = 1;
/** Before each message: that bytes follow, and how many. */
export const LENGTH_BYTES = 5;
/** At the end of a batch: how many bytes its types take. */
export const TYPES_LENGTH_BYTES = 4;

/**
 * Puts messages together into one that explains itself: room for a header, each message as
 * MessagePack within its length, the types they use, the length of those. A message's length lets a
 * reader skip what it can't make anything of.
 */
export class BatchEncoder {
  readonly #out = new ByteWriter();
  readonly #types = new AnnouncedTypes();
  readonly #writer: MsgpackWriter;
  readonly #headerBytes: number;
  readonly #maxMessageBytes: number;
  #count = 0;
  #isWriting = false;

  /** @param headerBytes how many bytes are left free at the start, for the caller to fill in. */
  constructor(models: ModelPort, limits: CodecLimits, maxMessageBytes: number, headerBytes = 0) {
    this.#writer = new MsgpackWriter(this.#out, models, this.#types, limits.depth);
    this.#maxMessageBytes = maxMessageBytes;
    this.#headerBytes = headerBytes;
    this.#out.reserve(headerBytes);
    this.#out.length = headerBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** What the messages take, without the rest of the batch: the sum of what `add` has returned. */
  get bytes(): number {
    return this.#out.length - this.#headerBytes;
  }

  /**
   * Adds a message as it is now and returns the bytes it takes.
   *
   * @throws TypeError when it can't be sent or is too large; nothing was added then.
   */
  add(message: unknown): number {
    if (this.#isWriting) throw new TypeError('A getter of a message must not publish another.');
    const start = this.#out.length;
    this.#isWriting = true;
    try {
      return this.#write(message, start);
    } catch (error) {
      this.#out.length = start;
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }

  /** The whole; the encoder is not used again. */
  take(): Buffer {
    const out = this.#out;
    const start = out.length;
    if (this.#types.hasFresh) this.#writer.value(this.#types.takeFrame(), MESSAGE_DEPTH);
    const typesLength = out.length - start;
    out.reserve(TYPES_LENGTH_BYTES);
    const buffer = Buffer.from(out.bytes.buffer, out.bytes.byteOffset, out.length + 4);
    buffer.writeUInt32BE(typesLength, out.length);
    buffer.fill(0, 0, this.#headerBytes);
    return buffer;
  }

  #write(message: unknown, start: number): number {
    const out = this.#out;
    out.tagged32(Format.bytes32, 0);
    this.#writer.value(message, MESSAGE_DEPTH);
    const length = out.length - start - LENGTH_BYTES;
    if (length > this.#maxMessageBytes) throw tooLarge(this.#maxMessageBytes);
    const end = out.length;
    out.length = start;
    out.tagged32(Format.bytes32, length);
    out.length = end;
    this.#count += 1;
    return length + LENGTH_BYTES;
  }
}
