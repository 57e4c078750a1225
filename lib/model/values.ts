import type { AnyClass } from './class-rules.js';

/** Whether an object is one the codecs carry whole: there is nothing in it to convert. */
export function isLeaf(value: object): boolean {
  return (
    value instanceof Date ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    typeof (value as { then?: unknown }).then === 'function'
  );
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The class of an instance; asked of its prototype, because a field may be called `constructor`. */
export function classOf(value: object): AnyClass | undefined {
  const prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null;
  const model = prototype?.constructor;
  return typeof model === 'function' ? (model as AnyClass) : undefined;
}

export type Container = unknown[] | Set<unknown> | Map<unknown, unknown>;

export function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || value instanceof Set || value instanceof Map;
}

type Convert = (part: unknown, index: number) => unknown;

/** The container with its elements converted; itself when none changed. */
export function mapContainer(value: Container, convert: Convert): Container {
  if (Array.isArray(value)) return mapList(value, convert);
  return value instanceof Set ? mapSet(value, convert) : mapMap(value, convert);
}

function mapList(list: unknown[], convert: Convert): unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const result = convert(list[i], i);
    if (copy === undefined && result !== list[i]) copy = list.slice();
    if (copy !== undefined) copy[i] = result;
  }
  return copy ?? list;
}

function mapSet(set: Set<unknown>, convert: Convert): Set<unknown> {
  const parts = [...set];
  const converted = mapList(parts, convert);
  return converted === parts ? set : new Set(converted);
}

/** The keys stay as they are: the codecs carry them, too. */
function mapMap(map: Map<unknown, unknown>, convert: Convert): Map<unknown, unknown> {
  const values = [...map.values()];
  const converted = mapList(values, convert);
  if (converted === values) return map;
  return new Map([...map.keys()].map((key, i) => [key, converted[i]]));
}

/** As a declaration by one of JavaScript's own classes converts it; otherwise as it is. */
export function toDeclared(value: unknown, type: AnyClass): unknown {
  if (type === (String as unknown)) return String(value);
  if (type === (Number as unknown)) return Number(value);
  if (type === (Boolean as unknown)) return Boolean(value);
  if (type === (Date as unknown)) return value instanceof Date ? value : new Date(value as string);
  if (typeof Buffer !== 'undefined' && type === (Buffer as unknown)) return toBytes(value);
  return value;
}

/** Not `Buffer.from` of just any object: a peer's `{ length: 1e9 }` would take that much memory. */
function toBytes(value: unknown): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value;
  if (typeof value === 'string') return Buffer.from(value);
  const { type, data } = isPlainObject(value) ? value : {};
  if (type === 'Buffer' && Array.isArray(data)) return Buffer.from(data as number[]);
  throw new TypeError('Bytes are expected.');
}

/** The fields before a key: from there on the copy differs. */
export function copyUntil(source: Record<string, unknown>, end: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(source)) {
    if (key === end) break;
    copy[key] = source[key];
  }
  return copy;
}
