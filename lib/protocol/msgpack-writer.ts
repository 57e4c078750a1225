import { toBytes } from './bigint-bytes.js';
import type { ByteWriter } from './byte-writer.js';
import { mapParts, setElements } from './collections.js';
import { type FieldNames, hasFields } from './field-names.js';
import { KnownModels } from './known-models.js';
import type { ModelPort, ModelType } from './model-port.js';
import { Ext, Format } from './msgpack-format.js';
import { changed, isForbiddenKey, notRegistered } from './refused-values.js';
import type { AnnouncedTypes } from './type-table.js';

const EXT8_HEADER = 3;

const hasOwn = Object.prototype.hasOwnProperty;

/** Writes values of every kind a stream may carry (PROTOCOL.md, section 5.2). */
export class MsgpackWriter {
  readonly #out: ByteWriter;
  readonly #models: ModelPort;
  readonly #types: AnnouncedTypes;
  readonly #maxDepth: number;
  readonly #known = new KnownModels();

  constructor(out: ByteWriter, models: ModelPort, types: AnnouncedTypes, maxDepth: number) {
    this.#out = out;
    this.#models = models;
    this.#types = types;
    this.#maxDepth = maxDepth;
  }

  /**
   * Writes a value; `depth` is the level it has in the message if it holds others.
   *
   * @throws TypeError for what can't be sent; a part of it may have been written by then.
   */
  value(value: unknown, depth: number): void {
    if (typeof value === 'string') this.#out.text(value);
    else if (typeof value === 'number') this.#out.number(value);
    else if (value === null) this.#out.byte(Format.null);
    else if (typeof value === 'object') this.#object(value, depth);
    else if (typeof value === 'boolean') this.#out.byte(value ? Format.true : Format.false);
    else if (value === undefined) this.#ext(Ext.undefined, 0);
    else if (typeof value === 'bigint') this.#bigint(value);
    else throw new TypeError(`A ${typeof value} can't be sent.`);
  }

  #object(value: object, depth: number): void {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === Object.prototype || prototype === null) this.#fields(value, depth);
    else if (Array.isArray(value)) this.#list(value, depth);
    else this.#instance(value, prototype, depth);
  }

  #instance(value: object, prototype: object, depth: number): void {
    const known = this.#known.find(prototype);
    if (known !== undefined) this.#model(known, value, depth);
    else if (value instanceof Uint8Array) this.#out.binary(value);
    else if (value instanceof Date) this.#date(value);
    else if (value instanceof Map) this.#extList(Ext.map, mapParts(value), depth);
    else if (value instanceof Set) this.#extList(Ext.set, setElements(value), depth);
    else if (isOtherBytes(value)) throw notBytes(value);
    else this.#firstModel(value, prototype, depth);
  }

  #fields(value: object, depth: number): void {
    if (depth > this.#maxDepth) throw tooDeep();
    const start = this.#out.length;
    let count = 0;
    this.#out.byte(Format.fixMap);
    for (const key in value) {
      if (!hasOwn.call(value, key)) continue;
      if (isForbiddenKey(key)) throw new TypeError(`A key "${key}" can't be sent.`);
      this.#out.text(key);
      this.value((value as Record<string, unknown>)[key], depth + 1);
      count++;
    }
    if (count < 16) this.#out.bytes[start] = Format.fixMap | count;
    else this.#longMap(start, count);
  }

  /** Which keys a value has is known only after it was walked through. */
  #longMap(start: number, count: number): void {
    const out = this.#out;
    const long = count >= 0x10000;
    out.shift(start + 1, long ? 4 : 2);
    const end = out.length;
    out.length = start;
    if (long) out.tagged32(Format.map32, count);
    else out.tagged16(Format.map16, count);
    out.length = end;
  }

  #list(value: readonly unknown[], depth: number): void {
    if (depth > this.#maxDepth) throw tooDeep();
    const count = value.length;
    this.#listHeader(count);
    for (let i = 0; i < count; i++) this.value(value[i], depth + 1);
  }

  #listHeader(count: number): void {
    if (count < 16) this.#out.byte(Format.fixArray | count);
    else if (count < 0x10000) this.#out.tagged16(Format.array16, count);
    else this.#out.tagged32(Format.array32, count);
  }

  /** The ext itself is the level; the array in it is none of its own. */
  #extList(ext: number, value: readonly unknown[], depth: number): void {
    const start = this.#out.length;
    this.#ext(ext, 0);
    this.#list(value, depth);
    this.#endExt(start, ext);
  }

  #firstModel(value: object, prototype: object, depth: number): void {
    const type = this.#models.typeOf(value);
    if (type === undefined) throw notRegistered(value, this.#models.remedy);
    this.#known.add(prototype, type);
    this.#model(type, value, depth);
  }

  #model(type: ModelType, value: object, depth: number): void {
    const fields = type.toFields(value);
    const names = this.#types.use(type, fields);
    const start = this.#out.length;
    this.#ext(Ext.model, 0);
    this.#out.number(type.id);
    // Looked at before anything is written: writing twice would double with each level.
    if (names !== null && hasFields(fields, names)) this.#places(fields, names, depth);
    else this.#fields(fields, depth);
    this.#endExt(start, Ext.model);
  }

  #places(fields: Readonly<Record<string, unknown>>, names: FieldNames, depth: number): void {
    if (depth > this.#maxDepth) throw tooDeep();
    this.#listHeader(names.length);
    let count = 0;
    for (const key in fields) {
      this.value(fields[key], depth + 1);
      count++;
    }
    if (count !== names.length) throw changed();
  }

  #date(value: Date): void {
    this.#out.tagged8(Format.fixExt8, Ext.date);
    this.#out.rawFloat64(value.getTime());
  }

  #bigint(value: bigint): void {
    const start = this.#out.length;
    this.#ext(Ext.bigint, 0);
    this.#out.raw(toBytes(value));
    this.#endExt(start, Ext.bigint);
  }

  #ext(ext: number, length: number): void {
    this.#out.tagged8(Format.ext8, length);
    this.#out.byte(ext);
  }

  /** The header was written as an ext8's: most payloads are short, and longer ones are moved. */
  #endExt(start: number, ext: number): void {
    const out = this.#out;
    const size = out.length - start - EXT8_HEADER;
    if (size < 0x100) {
      out.bytes[start + 1] = size;
      return;
    }
    const long = size >= 0x10000;
    out.shift(start + EXT8_HEADER, long ? 3 : 1);
    const end = out.length;
    out.length = start;
    if (long) out.tagged32(Format.ext32, size);
    else out.tagged16(Format.ext16, size);
    out.byte(ext);
    out.length = end;
  }
}

function tooDeep(): TypeError {
  return new TypeError('A value nests too deep to be sent, or contains itself.');
}

function isOtherBytes(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function notBytes(value: object): TypeError {
  return new TypeError(`A ${value.constructor.name} can't be sent: make it a Uint8Array.`);
}
