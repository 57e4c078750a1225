import { toBase64 } from './base64.js';
import { mapParts, setElements } from './collections.js';
import { TAG, Tag } from './json-tags.js';
import type { ModelPort } from './model-port.js';
import { FORBIDDEN_KEYS, notRegistered } from './refused-values.js';
import type { AnnouncedTypes } from './type-table.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Whether JSON.stringify says all of this value as it is: nothing in it needs a tag. */
export function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isPlainNumber(value);
    case 'object':
      return value === null || (depth > 0 && isPlainContainer(value, depth - 1));
    default:
      return false;
  }
}

/** Neither NaN, nor infinite, nor -0. Written so because it runs for every number of every item. */
function isPlainNumber(value: number): boolean {
  return value - value === 0 && (value !== 0 || 1 / value > 0);
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
        return isPlainNumber(value)
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
        mapParts(value).map((part) => this.tag(part, depth - 1)),
      );
    }
    if (value instanceof Set) {
      return tagged(
        Tag.set,
        setElements(value).map((part) => this.tag(part, depth - 1)),
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

function tagged(tag: string | number, content: Json): Json {
  return { [TAG]: tag, v: content };
}
