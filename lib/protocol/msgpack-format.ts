/** The first bytes of MessagePack's values, as far as they aren't packed with a length or number. */
export const Format = {
  fixMap: 0x80,
  fixArray: 0x90,
  fixText: 0xa0,
  null: 0xc0,
  false: 0xc2,
  true: 0xc3,
  bytes8: 0xc4,
  bytes16: 0xc5,
  bytes32: 0xc6,
  ext8: 0xc7,
  ext16: 0xc8,
  ext32: 0xc9,
  float32: 0xca,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  uint64: 0xcf,
  int8: 0xd0,
  int16: 0xd1,
  int32: 0xd2,
  int64: 0xd3,
  fixExt1: 0xd4,
  fixExt2: 0xd5,
  fixExt4: 0xd6,
  fixExt8: 0xd7,
  fixExt16: 0xd8,
  text8: 0xd9,
  text16: 0xda,
  text32: 0xdb,
  array16: 0xdc,
  array32: 0xdd,
  map16: 0xde,
  map32: 0xdf,
  /** This and what is above are the numbers -32 to -1. */
  negativeFixInt: 0xe0,
} as const;

/** The ext types that say what MessagePack has no words for (PROTOCOL.md, section 5.2). */
export const Ext = {
  /** Empty. */
  undefined: 1,
  /** Two's complement, big-endian, of any length above zero. */
  bigint: 2,
  /** An array: key, value, key, value. */
  map: 3,
  /** An array. */
  set: 4,
  /** A type's id, then a map of its fields. */
  model: 5,
  /** A float64: milliseconds since 1970, NaN for an invalid date. */
  date: 6,
} as const;
