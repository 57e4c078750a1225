import { toBase64 } from './base64.js';
import { mapParts, setElements } from './collections.js';
import { type FieldNames, hasFields } from './field-names.js';
import { isPlainNumber, toQuoted } from './json-plain.js';
import { TAG, Tag } from './json-tags.js';
import { KnownModels } from './known-models.js';
import type { ModelPort, ModelType } from './model-port.js';
import { changed, isForbiddenKey, notRegistered } from './refused-values.js';
import type { TypeForm } from './type-form.js';
import type { AnnouncedTypes } from './type-table.js';

const hasOwn = Object.prototype.hasOwnProperty;

/**
 * Writes values as JSON text, with tags for what JSON has no word for. Text is put together at
 * once: copying an instance's fields for JSON.stringify costs more than writing them.
 */
export class JsonWriter {
  readonly #known = new KnownModels();

  constructor(
    private readonly models: ModelPort,
    private readonly types: AnnouncedTypes,
  ) {}

  /**
   * The text of a value. `depth` is how many levels it may still open.
   *
   * @throws TypeError for what can't be sent: a function, a class that isn't registered, a cycle.
   */
  text(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return toQuoted(value);
      case 'number':
        return isPlainNumber(value) ? `${value}` : taggedNumber(value);
      case 'object':
        return value === null ? 'null' : this.#object(value, depth - 1);
      case 'boolean':
        return value ? 'true' : 'false';
      case 'undefined':
        return UNDEFINED;
      case 'bigint':
        return tagged(Tag.bigint, `"${value}"`);
      default:
        throw new TypeError(`A ${typeof value} can't be sent.`);
    }
  }

  #object(value: object, depth: number): string {
    if (depth < 0) throw new TypeError('A value nests too deep to be sent, or contains itself.');
    if (Array.isArray(value)) return this.#list(value, depth);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, depth);
    const known = this.#known.find(prototype);
    return known === undefined
      ? this.#instance(value, prototype, depth)
      : this.#model(known, value, depth);
  }

  #instance(value: object, prototype: object, depth: number): string {
    if (value instanceof Date) {
      const time = value.getTime();
      return tagged(Tag.date, Number.isNaN(time) ? 'null' : `${time}`);
    }
    if (value instanceof Uint8Array) return tagged(Tag.bytes, `"${toBase64(value)}"`);
    if (value instanceof Map) return tagged(Tag.map, this.#list(mapParts(value), depth - 1));
    if (value instanceof Set) return tagged(Tag.set, this.#list(setElements(value), depth - 1));
    const type = this.models.typeOf(value);
    if (type === undefined) throw notRegistered(value, this.models.remedy);
    this.#known.add(prototype, type);
    return this.#model(type, value, depth);
  }

  #list(list: readonly unknown[], depth: number): string {
    if (list.length === 0) return '[]';
    let text = `[${this.text(list[0], depth)}`;
    for (let i = 1; i < list.length; i++) text += `,${this.text(list[i], depth)}`;
    return `${text}]`;
  }

  #plain(value: object, depth: number): string {
    if (hasOwn.call(value, TAG)) return tagged(Tag.object, this.#fields(value, depth - 1));
    return this.#fields(value, depth);
  }

  #fields(value: object, depth: number): string {
    let text = '';
    for (const key of Object.keys(value)) {
      if (isForbiddenKey(key)) throw new TypeError(`A key "${key}" can't be sent.`);
      const field = this.text((value as Record<string, unknown>)[key], depth);
      text += text === '' ? `${toQuoted(key)}:${field}` : `,${toQuoted(key)}:${field}`;
    }
    return `{${text}}`;
  }

  #model(type: ModelType, value: object, depth: number): string {
    const { form } = type;
    const fields = type.toFields(value);
    const names = this.types.use(type, fields);
    // Looked at before anything is written: writing twice would double with each level.
    return names !== null && hasFields(fields, names)
      ? `${form.jsonHead}[${this.#places(fields, names, depth - 1)}]}`
      : `${form.jsonHead}{${this.#modelFields(form, fields, depth - 1)}}}`;
  }

  #places(fields: object, names: FieldNames, depth: number): string {
    let text = '';
    let count = 0;
    for (const key in fields) {
      const value = (fields as Record<string, unknown>)[key];
      const part =
        typeof value === 'number' && isPlainNumber(value) ? `${value}` : this.text(value, depth);
      text += count++ === 0 ? part : `,${part}`;
    }
    if (count !== names.length) throw changed();
    return text;
  }

  /** The fields without braces: the texts of their keys are kept with the type. */
  #modelFields(form: TypeForm, fields: object, depth: number): string {
    let text = '';
    let index = 0;
    for (const key in fields) {
      if (!hasOwn.call(fields, key)) continue;
      const value = (fields as Record<string, unknown>)[key];
      const head = form.jsonKey(key, index++);
      if (typeof value === 'number' && isPlainNumber(value)) text += head + value;
      else text += head + this.text(value, depth);
    }
    return text;
  }
}

function tagged(tag: string, content: string): string {
  return `{"${TAG}":"${tag}","v":${content}}`;
}

const UNDEFINED = `{"${TAG}":"${Tag.undefined}"}`;

function taggedNumber(value: number): string {
  return tagged(Tag.number, Object.is(value, -0) ? '"-0"' : `"${value}"`);
}
