/**
 * MessagePack as section 5.2 of PROTOCOL.md asks for, as small as it can be and without a line of
 * lib/: what a stranger who has the page would write.
 */

/** An ext of any type, for what JavaScript has no value for. */
export class Ext {
  constructor(
    readonly type: number,
    readonly payload: Uint8Array,
  ) {}
}

/** Writes one value: null, booleans, numbers, texts, bytes, lists, objects and {@link Ext}. */
export function pack(value: unknown): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') return packNumber(value);
  if (typeof value === 'string') return packText(value);
  if (value instanceof Uint8Array) return Buffer.concat([header(0xc6, value.length), value]);
  if (value instanceof Ext) {
    const { type, payload } = value;
    return Buffer.concat([header(0xc9, payload.length), Buffer.of(type), payload]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([header(0xdd, value.length), ...value.map(pack)]);
  }
  const entries = Object.entries(value as object);
  return Buffer.concat([header(0xdf, entries.length), ...entries.flat().map(pack)]);
}

function packNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0 && value < 0x80) return Buffer.of(value);
  const bytes = Buffer.alloc(9);
  if (Number.isSafeInteger(value)) {
    bytes[0] = 0xd3;
    bytes.writeBigInt64BE(BigInt(value), 1);
  } else {
    bytes[0] = 0xcb;
    bytes.writeDoubleBE(value, 1);
  }
  return bytes;
}

function packText(value: string): Buffer {
  const bytes = Buffer.from(value);
  const { length } = bytes;
  if (length < 0x20) return Buffer.concat([Buffer.of(0xa0 | length), bytes]);
  if (length < 0x100) return Buffer.concat([Buffer.of(0xd9, length), bytes]);
  return Buffer.concat([header(0xdb, length), bytes]);
}

function header(format: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = format;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Reads all values of a message. */
export function unpackAll(message: Buffer): unknown[] {
  const reader = new Reader(message);
  const values: unknown[] = [];
  while (reader.at < message.length) values.push(reader.value());
  return values;
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): unknown {
    const format = this.#uint(1);
    if (format < 0x80) return format;
    if (format < 0x90) return this.#map(format & 0x0f);
    if (format < 0xa0) return this.#list(format & 0x0f);
    if (format < 0xc0) return this.#raw(format & 0x1f).toString();
    if (format >= 0xe0) return format - 0x100;
    return this.#tagged(format);
  }

  #tagged(format: number): unknown {
    if (format === 0xc0) return null;
    if (format <= 0xc3) return format === 0xc3;
    if (format <= 0xc6) return this.#raw(this.#uint(1 << (format - 0xc4)));
    if (format <= 0xc9) return this.#ext(this.#uint(1 << (format - 0xc7)));
    if (format === 0xcb) return this.#raw(8).readDoubleBE();
    if (format <= 0xcf) return this.#uint(1 << (format - 0xcc));
    if (format <= 0xd3) return Number(BigInt.asIntN(64, this.#big(1 << (format - 0xd0))));
    if (format <= 0xd8) return this.#ext(1 << (format - 0xd4));
    if (format <= 0xdb) return this.#raw(this.#uint(1 << (format - 0xd9))).toString();
    if (format <= 0xdd) return this.#list(this.#uint(format === 0xdc ? 2 : 4));
    return this.#map(this.#uint(format === 0xde ? 2 : 4));
  }

  #uint(count: number): number {
    return Number(this.#big(count));
  }

  #big(count: number): bigint {
    return BigInt(`0x${this.#raw(count).toString('hex')}`);
  }

  #raw(count: number): Buffer {
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  #ext(length: number): Ext {
    return new Ext(this.#uint(1), this.#raw(length));
  }

  #list(count: number): unknown[] {
    return Array.from({ length: count }, () => this.value());
  }

  #map(count: number): Record<string, unknown> {
    return Object.fromEntries(
      Array.from({ length: count }, () => [this.value() as string, this.value()]),
    );
  }
}
