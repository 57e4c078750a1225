import { TAG } from './json-tags.js';
import { isForbiddenKey } from './refused-values.js';

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
export function isPlainNumber(value: number): boolean {
  return value - value === 0 && (value !== 0 || 1 / value > 0);
}

function isPlainContainer(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth)) return false;
    return true;
  }
  if (!isPlainObject(value)) return false;
  for (const key in value) {
    if (key === TAG || isForbiddenKey(key)) return false;
    if (!isPlain((value as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Up to this many characters a loop is faster than JSON.stringify. */
const LOOP_CHARACTERS = 48;

/** A text in JSON. */
export function toQuoted(text: string): string {
  if (text.length > LOOP_CHARACTERS) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x22 || code === 0x5c || (code & 0xf800) === 0xd800) {
      return JSON.stringify(text);
    }
  }
  return `"${text}"`;
}
