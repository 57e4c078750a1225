import { fromBytes } from './bigint-bytes.js';
import type { ByteReader } from './byte-reader.js';
import { toMap, toSet } from './collections.js';
import type { KeyCache } from './key-cache.js';
import { Ext, Format } from './msgpack-format.js';
import { readNumber } from './msgpack-number.js';
import { isForbiddenKey } from './refused-values.js';
import { StreamError } from './stream-error.js';
import type { PeerType, PeerTypes } from './type-table.js';
import { ProtocolViolation } from './violation.js';

/** Longer keys are not worth keeping. */
const LONGEST_CACHED_KEY = 31;

/**
 * Reads the values of one message. What is no MessagePack is a violation. What is, but can't be
 * made a value of, becomes `undefined` and a `problem`, and reading goes on.
 */
export class MsgpackReader {
  /** Why a value could not be made; the first reason since this was cleared. */
  problem: StreamError | undefined;
  readonly #in: ByteReader;
  readonly #types: PeerTypes;
  readonly #keys: KeyCache;
  readonly #maxDepth: number;

  constructor(input: ByteReader, types: PeerTypes, keys: KeyCache, maxDepth: number) {
    this.#in = input;
    this.#types = types;
    this.#keys = keys;
    this.#maxDepth = maxDepth;
  }

  /**
   * Reads a value; `depth` is the level it has in the message if it holds others.
   *
   * @throws ProtocolViolation when there is none.
   */
  value(depth: number): unknown {
    const format = this.#in.uint8();
    if (format < Format.fixMap) return format;
    if (format < Format.fixArray) return this.#fields(format & 0x0f, depth);
    if (format < Format.fixText) return this.#list(format & 0x0f, depth);
    if (format < Format.null) return this.#in.text(format & 0x1f);
    if (format >= Format.negativeFixInt) return format - 0x100;
    return this.#tagged(format, depth);
  }

  /** Forgets what could not be made. */
  clear(): void {
    this.problem = undefined;
  }

  /** How many elements the array has that begins here; `undefined` when none does. */
  listLength(): number | undefined {
    return listLengthOf(this.#in, this.#in.uint8());
  }

  #tagged(format: number, depth: number): unknown {
    switch (format) {
      case Format.null:
        return null;
      case Format.false:
        return false;
      case Format.true:
        return true;
      case Format.bytes8:
        return this.#in.copy(this.#in.uint8());
      case Format.bytes16:
        return this.#in.copy(this.#in.uint16());
      case Format.bytes32:
        return this.#in.copy(this.#in.uint32());
      case Format.text8:
        return this.#in.text(this.#in.uint8());
      case Format.text16:
        return this.#in.text(this.#in.uint16());
      case Format.text32:
        return this.#in.text(this.#in.uint32());
      case Format.array16:
        return this.#list(this.#in.uint16(), depth);
      case Format.array32:
        return this.#list(this.#in.uint32(), depth);
      case Format.map16:
        return this.#fields(this.#in.uint16(), depth);
      case Format.map32:
        return this.#fields(this.#in.uint32(), depth);
      case Format.ext8:
        return this.#ext(this.#in.uint8(), depth);
      case Format.ext16:
        return this.#ext(this.#in.uint16(), depth);
      case Format.ext32:
        return this.#ext(this.#in.uint32(), depth);
      case Format.fixExt1:
      case Format.fixExt2:
      case Format.fixExt4:
      case Format.fixExt8:
      case Format.fixExt16:
        return this.#ext(1 << (format - Format.fixExt1), depth);
      default:
        return this.#number(format);
    }
  }

  #number(format: number): number | undefined {
    const value = readNumber(this.#in, format);
    if (value !== undefined) return value;
    return this.#refuse('An integer beyond 2^53 is not allowed: send a bigint.');
  }

  #list(count: number, depth: number): unknown[] {
    this.#enter(depth, count);
    const list: unknown[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
    return list;
  }

  #fields(count: number, depth: number): Record<string, unknown> {
    this.#enter(depth, count * 2);
    const fields: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.#key(depth + 1);
      const value = this.value(depth + 1);
      if (key !== undefined) fields[key] = value;
    }
    return fields;
  }

  /** `undefined` for a key that isn't allowed. */
  #key(depth: number): string | undefined {
    const { bytes, position } = this.#in;
    // What is below 32 then is a short text's length; the others end in #longKey.
    const length = ((bytes[position] ?? 0) ^ Format.fixText) & 0xff;
    if (length > LONGEST_CACHED_KEY) return this.#longKey(depth);
    const found = this.#keys.find(bytes, position + 1, length);
    if (found === undefined) return this.#newKey(length);
    this.#in.position = position + 1 + length;
    return found;
  }

  #newKey(length: number): string | undefined {
    const start = this.#in.position + 1;
    const key = this.#longKey(0);
    if (key?.length === length) this.#keys.add(key, this.#in.bytes, start);
    return key;
  }

  #longKey(depth: number): string | undefined {
    const key = this.value(depth);
    if (typeof key !== 'string') return this.#refuse('Only a text is allowed as a key.');
    if (isForbiddenKey(key)) return this.#refuse(`The key "${key}" is not allowed.`);
    return key;
  }

  /** Checked before anything is made: each value in a container takes a byte at least. */
  #enter(depth: number, count: number): void {
    if (depth > this.#maxDepth) throw new ProtocolViolation('a message that nests too deep');
    if (count > this.#in.remaining) throw new ProtocolViolation('a message cut short');
  }

  #ext(length: number, depth: number): unknown {
    const type = this.#in.uint8();
    const end = this.#in.position + length;
    const value = this.#extValue(type, length, depth);
    if (this.#in.position !== end) throw new ProtocolViolation('an ext of a wrong length');
    return value;
  }

  #extValue(type: number, length: number, depth: number): unknown {
    switch (type) {
      case Ext.undefined:
        return undefined;
      case Ext.bigint:
        return this.#bigint(length);
      case Ext.map:
        return this.#map(depth);
      case Ext.set:
        return this.#set(depth);
      case Ext.model:
        return this.#model(depth);
      case Ext.date:
        return new Date(this.#in.float64());
      default:
        this.#in.skip(length);
        return this.#refuse('An ext type that is not known here.');
    }
  }

  #bigint(length: number): bigint {
    if (length === 0) throw new ProtocolViolation('a bigint without a byte');
    return fromBytes(this.#in.copy(length));
  }

  #map(depth: number): Map<unknown, unknown> | undefined {
    const parts = this.#extList(depth);
    if (parts.length % 2 !== 0) throw new ProtocolViolation('a key without a value');
    try {
      return toMap(parts);
    } catch (error) {
      return this.#note(error);
    }
  }

  #set(depth: number): Set<unknown> | undefined {
    const elements = this.#extList(depth);
    try {
      return toSet(elements);
    } catch (error) {
      return this.#note(error);
    }
  }

  #extList(depth: number): unknown[] {
    const count = this.listLength();
    if (count === undefined) throw new ProtocolViolation('an ext without its array');
    return this.#list(count, depth);
  }

  #model(depth: number): object | undefined {
    const type = this.#types.get(this.value(depth + 1));
    const format = this.#in.uint8();
    const count = listLengthOf(this.#in, format);
    if (count !== undefined) return this.#places(type, count, depth);
    const fields = this.#fields(this.#fieldCount(format), depth);
    if (this.problem !== undefined) return undefined;
    try {
      return type.fromFields(fields);
    } catch (error) {
      return this.#note(error);
    }
  }

  #places(type: PeerType, count: number, depth: number): object | undefined {
    if (count !== type.names?.length) throw new ProtocolViolation('a model of other places');
    this.#enter(depth, count);
    const values = new Array<unknown>(count);
    for (let i = 0; i < count; i++) values[i] = this.value(depth + 1);
    if (this.problem !== undefined) return undefined;
    try {
      return type.fromValues(values);
    } catch (error) {
      return this.#note(error);
    }
  }

  #fieldCount(format: number): number {
    if (format >= Format.fixMap && format < Format.fixArray) return format & 0x0f;
    if (format === Format.map16) return this.#in.uint16();
    if (format === Format.map32) return this.#in.uint32();
    throw new ProtocolViolation('a model without its fields');
  }

  #refuse(reason: string): undefined {
    this.problem ??= new StreamError('invalid-argument', reason);
  }

  #note(error: unknown): undefined {
    if (!(error instanceof StreamError)) throw error;
    this.problem ??= error;
  }
}

function listLengthOf(input: ByteReader, format: number): number | undefined {
  if (format >= Format.fixArray && format < Format.fixText) return format & 0x0f;
  if (format === Format.array16) return input.uint16();
  if (format === Format.array32) return input.uint32();
  return undefined;
}
