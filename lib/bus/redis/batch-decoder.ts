import { ByteReader } from '../../protocol/byte-reader.js';
import type { CodecLimits } from '../../protocol/codec.js';
import { KeyCache } from '../../protocol/key-cache.js';
import type { ModelPort } from '../../protocol/model-port.js';
import { Format } from '../../protocol/msgpack-format.js';
import { MsgpackReader } from '../../protocol/msgpack-reader.js';
import { PeerTypes } from '../../protocol/type-table.js';
import { ProtocolViolation } from '../../protocol/violation.js';
import { LENGTH_BYTES, MESSAGE_DEPTH, TYPES_LENGTH_BYTES } from './batch-encoder.js';

/** What comes out of a batch, in order. Neither member throws. */
export interface BatchReceiver {
  message(message: unknown): void;
  /** In the place of a message, or of all that is left: why nothing could be made of it. */
  bad(problem: string): void;
}

/** Sets of types that are kept, as they come again with nearly every batch. */
const MAX_KNOWN_TYPES = 256;

/** Takes apart what a `BatchEncoder` has put together, and trusts nothing of it. */
export class BatchDecoder {
  readonly #models: ModelPort;
  readonly #limits: CodecLimits;
  readonly #maxMessageBytes: number;
  readonly #keys = new KeyCache();
  readonly #known = new Map<string, PeerTypes>();
  readonly #none: PeerTypes;

  constructor(models: ModelPort, limits: CodecLimits, maxMessageBytes: number) {
    this.#models = models;
    this.#limits = limits;
    this.#maxMessageBytes = maxMessageBytes;
    this.#none = new PeerTypes(models, limits);
  }

  /**
   * Reads the batch behind a header of `start` bytes, or from the message that begins there, and at
   * most so many messages. One bad message costs itself alone.
   */
  decode(
    batch: Buffer,
    start: number,
    receiver: BatchReceiver,
    limit = Number.POSITIVE_INFINITY,
  ): void {
    const end = this.#endOfMessages(batch, start);
    const types = end === undefined ? undefined : this.#types(batch, end);
    if (end === undefined || types === undefined) return receiver.bad('a broken batch');
    const input = new ByteReader(batch.subarray(0, end));
    input.position = start;
    const reader = new MsgpackReader(input, types, this.#keys, this.#limits.depth);
    for (let n = 0; n < limit && input.remaining > 0; n += 1) {
      const next = this.#endOfMessage(input);
      if (next === undefined) return receiver.bad('a broken batch');
      this.#read(reader, input, next, receiver);
      input.position = next;
    }
  }

  #endOfMessages(batch: Buffer, start: number): number | undefined {
    const typesEnd = batch.length - TYPES_LENGTH_BYTES;
    if (typesEnd < start) return undefined;
    const end = typesEnd - batch.readUInt32BE(typesEnd);
    return end < start ? undefined : end;
  }

  #endOfMessage(input: ByteReader): number | undefined {
    if (input.remaining < LENGTH_BYTES || input.uint8() !== Format.bytes32) return undefined;
    const length = input.uint32();
    return length > input.remaining ? undefined : input.position + length;
  }

  #read(reader: MsgpackReader, input: ByteReader, end: number, receiver: BatchReceiver): void {
    if (end - input.position > this.#maxMessageBytes) return receiver.bad('a message too large');
    reader.problem = undefined;
    let message: unknown;
    try {
      message = reader.value(MESSAGE_DEPTH);
    } catch (error) {
      return receiver.bad(toProblem(error));
    }
    if (reader.problem !== undefined) receiver.bad(toProblem(reader.problem));
    else if (input.position !== end) receiver.bad('a message of another length than it tells');
    else receiver.message(message);
  }

  #types(batch: Buffer, start: number): PeerTypes | undefined {
    const end = batch.length - TYPES_LENGTH_BYTES;
    if (start === end) return this.#none;
    const key = batch.toString('latin1', start, end);
    const known = this.#known.get(key) ?? this.#announce(batch.subarray(start, end));
    if (known === undefined) return undefined;
    if (this.#known.size >= MAX_KNOWN_TYPES) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }

  #announce(bytes: Uint8Array): PeerTypes | undefined {
    const types = new PeerTypes(this.#models, this.#limits);
    const reader = new MsgpackReader(new ByteReader(bytes), types, this.#keys, this.#limits.depth);
    try {
      const frame = reader.value(MESSAGE_DEPTH);
      if (!Array.isArray(frame)) return undefined;
      types.announce(frame);
      return types;
    } catch (error) {
      if (error instanceof ProtocolViolation) return undefined;
      throw error;
    }
  }
}

/** A violation's message holds nothing of what was sent; a class's own code may throw anything. */
function toProblem(error: unknown): string {
  return error instanceof Error ? error.message : 'a message that can not be read';
}
