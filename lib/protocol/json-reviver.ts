import { fromBase64 } from './base64.js';
import { toMap, toSet } from './collections.js';
import { TAG, Tag } from './json-tags.js';
import { isForbiddenKey } from './refused-values.js';
import { StreamError } from './stream-error.js';
import type { PeerType, PeerTypes } from './type-table.js';
import { ProtocolViolation } from './violation.js';

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
    if (Array.isArray(json)) return this.#list(json);
    const object = json as Record<string, unknown>;
    // Nothing in parsed JSON is undefined.
    return object[TAG] === undefined ? this.#fields(object) : this.#untag(object[TAG], object['v']);
  }

  #list(list: unknown[]): unknown[] {
    for (let i = 0; i < list.length; i++) {
      if (typeof list[i] === 'object') list[i] = this.revive(list[i]);
    }
    return list;
  }

  #fields(object: unknown): Record<string, unknown> {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) throw malformed();
    const fields = object as Record<string, unknown>;
    for (const key in fields) {
      if (isForbiddenKey(key)) {
        throw new StreamError('invalid-argument', `The key "${key}" is not allowed.`);
      }
      if (typeof fields[key] === 'object') fields[key] = this.revive(fields[key]);
    }
    return fields;
  }

  #untag(tag: unknown, content: unknown): unknown {
    if (typeof tag === 'number') return this.#model(this.types.get(tag), content);
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
        return toBytes(content);
      case Tag.map:
        return this.#map(list(content));
      case Tag.set:
        return toSet(this.#list(list(content)));
      case Tag.object:
        return this.#fields(content);
      default:
        throw unknownTag();
    }
  }

  #model(type: PeerType, content: unknown): object {
    if (!Array.isArray(content)) return type.fromFields(this.#fields(content));
    if (content.length !== type.names?.length) {
      throw new ProtocolViolation('a model of other places');
    }
    return type.fromValues(this.#list(content));
  }

  #map(parts: unknown[]): Map<unknown, unknown> {
    if (parts.length % 2 !== 0) throw malformed();
    return toMap(this.#list(parts));
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

function toBytes(content: unknown): Uint8Array {
  const bytes = typeof content === 'string' ? fromBase64(content) : undefined;
  if (bytes === undefined) throw malformed();
  return bytes;
}
