import { isForbiddenKey } from './refused-values.js';

/** The fields of a type that stand by their places (PROTOCOL.md, sections 4 and 9). */
export type FieldNames = readonly string[];

const MAX_NAMES = 64;
const MAX_NAME_LENGTH = 64;

/** How many field names a side may announce on a connection. */
export const MAX_ALL_NAMES = 4096;

/** Whether a peer may announce these: each once, none forbidden, and not too many. */
export function isFieldNames(names: unknown): names is FieldNames {
  return (
    Array.isArray(names) &&
    names.length <= MAX_NAMES &&
    names.every(isFieldName) &&
    new Set(names).size === names.length
  );
}

function isFieldName(name: unknown): boolean {
  return typeof name === 'string' && name.length <= MAX_NAME_LENGTH && !isForbiddenKey(name);
}

/** The names of an object's fields in their order; `undefined` where they can't be announced. */
export function namesOf(fields: object): FieldNames | undefined {
  const names = Object.keys(fields);
  return isFieldNames(names) ? names : undefined;
}

/** Whether an object has exactly these fields in this order, and inherits no others. */
export function hasFields(object: object, names: FieldNames): boolean {
  let place = 0;
  for (const key in object) if (key !== names[place++]) return false;
  return place === names.length;
}
