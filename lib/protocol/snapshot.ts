import type { TypeLookup } from './model-type.js';

/** How deep a value may nest whose likeness is kept. */
const MAX_DEPTH = 64;

/** What a value was like at one moment. */
export interface Snapshot {
  /** Whether a value is the same as that one was: it would be encoded alike. */
  isOf(value: object): boolean;
}

/**
 * What a value is like now, all the way down: plain data, dates, and instances of registered
 * classes that are nothing but their fields. `undefined` for a value with anything else in it (a
 * getter, a map, bytes): comparing it could cost more than encoding it, or miss what it hides.
 */
export function takeSnapshot(value: object, models: TypeLookup): Snapshot | undefined {
  return snapshotOf(value, models, MAX_DEPTH);
}

function snapshotOf(value: object, models: TypeLookup, depth: number): Snapshot | undefined {
  if (depth === 0) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) return new DateSnapshot((value as Date).getTime());
  if (prototype === Array.prototype && Array.isArray(value)) return listOf(value, models, depth);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (!isPlain && models.typeOf(value)?.isDataOnly?.(value) !== true) return undefined;
  return fieldsOf(value, models, depth);
}

function listOf(list: readonly unknown[], models: TypeLookup, depth: number): Snapshot | undefined {
  const parts: unknown[] = [];
  for (const value of list) {
    const part = partOf(value, models, depth);
    if (part === REFUSED) return undefined;
    parts.push(part);
  }
  return new ListSnapshot(parts);
}

function fieldsOf(value: object, models: TypeLookup, depth: number): Snapshot | undefined {
  const keys: string[] = [];
  const parts: unknown[] = [];
  for (const key in value) {
    const own = Object.getOwnPropertyDescriptor(value, key);
    const part = own?.get === undefined ? partOf(own?.value, models, depth) : REFUSED;
    if (own === undefined || part === REFUSED) return undefined;
    keys.push(key);
    parts.push(part);
  }
  return new FieldsSnapshot(Object.getPrototypeOf(value), keys, parts);
}

const REFUSED = Symbol('refused');

/** A primitive as it is, or the snapshot of an object. */
function partOf(value: unknown, models: TypeLookup, depth: number): unknown {
  if (typeof value === 'object' && value !== null) {
    return snapshotOf(value, models, depth - 1) ?? REFUSED;
  }
  return typeof value === 'function' || typeof value === 'symbol' ? REFUSED : value;
}

/** Only a snapshot stands where an object was. */
function isSame(part: unknown, value: unknown): boolean {
  if (typeof part !== 'object' || part === null) return Object.is(part, value);
  return typeof value === 'object' && value !== null && (part as Snapshot).isOf(value);
}

class FieldsSnapshot implements Snapshot {
  readonly #prototype: unknown;
  readonly #keys: readonly string[];
  readonly #parts: readonly unknown[];

  constructor(prototype: unknown, keys: readonly string[], parts: readonly unknown[]) {
    this.#prototype = prototype;
    this.#keys = keys;
    this.#parts = parts;
  }

  isOf(value: object): boolean {
    if (Object.getPrototypeOf(value) !== this.#prototype) return false;
    let place = 0;
    for (const key in value) {
      if (key !== this.#keys[place]) return false;
      if (!isSame(this.#parts[place], (value as Record<string, unknown>)[key])) return false;
      place++;
    }
    return place === this.#keys.length;
  }
}

class ListSnapshot implements Snapshot {
  readonly #parts: readonly unknown[];

  constructor(parts: readonly unknown[]) {
    this.#parts = parts;
  }

  isOf(value: object): boolean {
    if (Object.getPrototypeOf(value) !== Array.prototype || !Array.isArray(value)) return false;
    if (value.length !== this.#parts.length) return false;
    for (let i = 0; i < value.length; i++) if (!isSame(this.#parts[i], value[i])) return false;
    return true;
  }
}

class DateSnapshot implements Snapshot {
  readonly #time: number;

  constructor(time: number) {
    this.#time = time;
  }

  isOf(value: object): boolean {
    return (
      Object.getPrototypeOf(value) === Date.prototype &&
      Object.is((value as Date).getTime(), this.#time)
    );
  }
}
