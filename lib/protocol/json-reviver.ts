import { fromBase64 } from './base64.js';
import { toMap, toSet } from './collections.js';
import { TAG, Tag } from './json-tags.js';
import { FORBIDDEN_KEYS } from './refused-values.js';
import { StreamError } from './stream-error.js';
import type { PeerTypes } from './type-table.js';

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
        return toBytes(content);
      case Tag.map:
        return this.#map(list(content));
      case Tag.set:
        return toSet(this.#all(list(content)));
      case Tag.object:
        return this.#fields(content);
      default:
        if (typeof tag !== 'number') throw unknownTag();
        return this.types.get(tag).fromFields(this.#fields(content));
    }
  }

  #map(parts: unknown[]): Map<unknown, unknown> {
    if (parts.length % 2 !== 0) throw malformed();
    return toMap(this.#all(parts));
  }

  #all(elements: unknown[]): unknown[] {
    return elements.map((element) => this.revive(element));
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
