import type { ModelPort } from './model-port.js';
import { StreamError } from './stream-error.js';
import type { AnnouncedTypes, PeerTypes } from './type-table.js';

/**
 * The key that makes a JSON object a tagged value: `{"$": tag, "v": content}` (PROTOCOL.md,
 * section 5.1). A user's own object with this key is sent under the tag `object`.
 */
export const TAG = '$';

const Tag = {
  undefined: 'u',
  number: 'f',
  date: 'd',
  bigint: 'n',
  bytes: 'b',
  map: 'm',
  set: 's',
  object: 'o',
} as const;

/** Keys that no value may have, at any depth: they reach an object's prototype. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
]);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Whether JSON.stringify says all of this value as it is: nothing in it needs a tag. */
export function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || (depth > 0 && isPlainContainer(value, depth - 1));
    default:
      return false;
  }
}

function isPlainContainer(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth)) return false;
    return true;
  }
  if (!isPlainObject(value)) return false;
  for (const key in value) {
    if (key === TAG || FORBIDDEN_KEYS.has(key)) return false;
    if (!isPlain((value as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Turns values into what JSON can say, with tags for the rest. */
export class JsonTagger {
  constructor(
    private readonly models: ModelPort,
    private readonly types: AnnouncedTypes,
  ) {}

  /**
   * The JSON form of a value. `depth` is how many levels it may still open.
   *
   * @throws TypeError for what can't be sent: a function, a class that isn't registered, a cycle.
   */
  tag(value: unknown, depth: number): Json {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : tagged(Tag.number, Object.is(value, -0) ? '-0' : String(value));
      case 'undefined':
        return { [TAG]: Tag.undefined };
      case 'bigint':
        return tagged(Tag.bigint, value.toString());
      case 'object':
        return value === null ? null : this.#object(value, depth - 1);
      default:
        throw new TypeError(`A ${typeof value} can't be sent.`);
    }
  }

  #object(value: object, depth: number): Json {
    if (depth < 0) throw new TypeError('A value nests too deep to be sent, or contains itself.');
    if (Array.isArray(value)) return value.map((element) => this.tag(element, depth));
    if (isPlainObject(value)) return this.#plain(value, depth);
    if (value instanceof Date) {
      const time = value.getTime();
      return tagged(Tag.date, Number.isNaN(time) ? null : time);
    }
    if (value instanceof Uint8Array) return tagged(Tag.bytes, toBase64(value));
    if (value instanceof Map) {
      return tagged(
        Tag.map,
        [...value].flat().map((part) => this.tag(part, depth - 1)),
      );
    }
    if (value instanceof Set) {
      return tagged(
        Tag.set,
        [...value].map((part) => this.tag(part, depth - 1)),
      );
    }
    return this.#model(value, depth);
  }

  #plain(value: object, depth: number): Json {
    if (Object.hasOwn(value, TAG)) return tagged(Tag.object, this.#fields(value, depth - 1));
    return this.#fields(value, depth);
  }

  #model(value: object, depth: number): Json {
    const type = this.models.typeOf(value);
    if (type === undefined) throw notRegistered(value);
    this.types.use(type);
    return tagged(type.id, this.#fields(type.toFields(value), depth - 1));
  }

  #fields(value: object, depth: number): { [key: string]: Json } {
    const fields: { [key: string]: Json } = {};
    for (const [key, field] of Object.entries(value)) {
      if (FORBIDDEN_KEYS.has(key)) throw new TypeError(`A key "${key}" can't be sent.`);
      fields[key] = this.tag(field, depth);
    }
    return fields;
  }
}

/** What is told of an instance whose class nobody registered. */
export function notRegistered(value: object): TypeError {
  const name: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
  return new TypeError(
    `${typeof name === 'string' && name !== '' ? name : 'A class'} is not registered, so its instances can't be sent: add @Serializable() to it.`,
  );
}

function tagged(tag: string | number, content: Json): Json {
  return { [TAG]: tag, v: content };
}

/** Turns parsed JSON back into values, in place. */
export class JsonReviver {
  constructor(private readonly types: PeerTypes) {}

  /**
   * The value of a piece of parsed JSON.
   *
   * @throws StreamError `invalid-argument` for a forbidden key, an unknown tag or type.
   */
  revive(json: unknown): unknown {
    if (typeof json !== 'object' || json === null) return json;
    if (Array.isArray(json)) {
      for (let i = 0; i < json.length; i++) json[i] = this.revive(json[i]);
      return json;
    }
    const object = json as Record<string, unknown>;
    return Object.hasOwn(object, TAG)
      ? this.#untag(object[TAG], object['v'])
      : this.#fields(object);
  }

  #fields(object: unknown): Record<string, unknown> {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) throw malformed();
    const fields = object as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      if (FORBIDDEN_KEYS.has(key)) {
        throw new StreamError('invalid-argument', `The key "${key}" is not allowed.`);
      }
      fields[key] = this.revive(fields[key]);
    }
    return fields;
  }

  #untag(tag: unknown, content: unknown): unknown {
    switch (tag) {
      case Tag.undefined:
        return undefined;
      case Tag.number:
        return toNumber(content);
      case Tag.date:
        return new Date(content === null ? Number.NaN : finite(content));
      case Tag.bigint:
        return toBigInt(content);
      case Tag.bytes:
        return fromBase64(content);
      case Tag.map:
        return this.#map(list(content));
      case Tag.set:
        return new Set(list(content).map((element) => this.revive(element)));
      case Tag.object:
        return this.#fields(content);
      default:
        if (typeof tag !== 'number') throw unknownTag();
        return this.types.get(tag).fromFields(this.#fields(content));
    }
  }

  #map(parts: unknown[]): Map<unknown, unknown> {
    if (parts.length % 2 !== 0) throw malformed();
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < parts.length; i += 2)
      map.set(this.revive(parts[i]), this.revive(parts[i + 1]));
    return map;
  }
}

function unknownTag(): StreamError {
  return new StreamError('invalid-argument', 'A tag that is not known here.');
}

function malformed(): StreamError {
  return new StreamError('invalid-argument', 'A tagged value has not the shape its tag asks for.');
}

function list(content: unknown): unknown[] {
  if (Array.isArray(content)) return content;
  throw malformed();
}

function finite(content: unknown): number {
  if (typeof content === 'number') return content;
  throw malformed();
}

function toNumber(content: unknown): number {
  if (content === 'NaN') return Number.NaN;
  if (content === 'Infinity') return Number.POSITIVE_INFINITY;
  if (content === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (content === '-0') return -0;
  throw malformed();
}

/** A bigint's digits: bounded, because parsing them takes more than linear time. */
const MAX_BIGINT_DIGITS = 20_000;

function toBigInt(content: unknown): bigint {
  if (typeof content !== 'string' || content.length > MAX_BIGINT_DIGITS) throw malformed();
  if (!/^-?\d+$/.test(content)) throw malformed();
  return BigInt(content);
}

function toBase64(bytes: Uint8Array): string {
  if (typeof Buffer !== 'undefined') {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  }
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(binary);
}

function fromBase64(content: unknown): Uint8Array {
  if (typeof content !== 'string') throw malformed();
  let binary: string;
  try {
    binary = atob(content);
  } catch {
    throw malformed();
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
