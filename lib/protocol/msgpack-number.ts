import type { ByteReader } from './byte-reader.js';
import { Format } from './msgpack-format.js';
import { ProtocolViolation } from './violation.js';

const TWO_TO_32 = 0x100000000;

/**
 * Reads the number of this format; `undefined` stands for an integer that isn't safe.
 *
 * @throws ProtocolViolation when the format is none.
 */
export function readNumber(from: ByteReader, format: number): number | undefined {
  switch (format) {
    case Format.uint8:
      return from.uint8();
    case Format.uint16:
      return from.uint16();
    case Format.uint32:
      return from.uint32();
    case Format.int8:
      return (from.uint8() << 24) >> 24;
    case Format.int16:
      return (from.uint16() << 16) >> 16;
    case Format.int32:
      return from.uint32() | 0;
    case Format.uint64:
      return safe(from.uint32() * TWO_TO_32 + from.uint32());
    case Format.int64:
      return safe((from.uint32() | 0) * TWO_TO_32 + from.uint32());
    case Format.float32:
      return from.float32();
    case Format.float64:
      return from.float64();
    default:
      throw new ProtocolViolation('a byte that begins no value');
  }
}

function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}
