import { StreamError } from './stream-error.js';

/** How many entries a map or a set may have (PROTOCOL.md, section 9). */
export const MAX_ENTRIES = 16_384;

/**
 * Makes a map of key, value, key, value. Maps and sets are bounded, because numbers hash without a
 * seed: a peer could choose keys that all collide, and filling them takes quadratic time.
 *
 * @throws StreamError `invalid-argument` for more of them than {@link MAX_ENTRIES}.
 */
export function toMap(parts: readonly unknown[]): Map<unknown, unknown> {
  checkEntries(parts.length / 2);
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < parts.length; i += 2) map.set(parts[i], parts[i + 1]);
  return map;
}

/**
 * Makes a set; bounded as a map is.
 *
 * @throws StreamError `invalid-argument` for more elements than {@link MAX_ENTRIES}.
 */
export function toSet(elements: readonly unknown[]): Set<unknown> {
  checkEntries(elements.length);
  return new Set(elements);
}

/** Key, value, key, value of a map that is sent, which the other side would refuse if it was longer. */
export function mapParts(map: ReadonlyMap<unknown, unknown>): unknown[] {
  checkSent(map.size);
  const parts: unknown[] = [];
  for (const [key, value] of map) parts.push(key, value);
  return parts;
}

/** The elements of a set that is sent; bounded as a map is. */
export function setElements(set: ReadonlySet<unknown>): unknown[] {
  checkSent(set.size);
  return [...set];
}

function checkEntries(count: number): void {
  if (count <= MAX_ENTRIES) return;
  throw new StreamError('invalid-argument', `A map or a set has more than ${MAX_ENTRIES} entries.`);
}

function checkSent(count: number): void {
  if (count > MAX_ENTRIES) {
    throw new TypeError(`A map or a set with more than ${MAX_ENTRIES} entries can't be sent.`);
  }
}
