/** The length of the shortest of them: most keys have less. */
const SHORTEST = 9;

/** Keys that no peer may have assigned: they reach an object's prototype. */
export function isForbidden(key: string): boolean {
  if (key.length < SHORTEST) return false;
  return key === '__proto__' || key === 'constructor' || key === 'prototype';
}

/**
 * Whether instances of a class can't have a property assigned: it is a method, a constant of the
 * prototype, or has a getter and no setter.
 */
export function isGuarded(prototype: object, property: string): boolean {
  const own = Object.getOwnPropertyDescriptor(prototype, property);
  if (own !== undefined) return own.set === undefined;
  for (let it = parentOf(prototype); it !== null; it = parentOf(it)) {
    const inherited = Object.getOwnPropertyDescriptor(it, property);
    if (inherited !== undefined) return isReadOnly(inherited);
  }
  return false;
}

function parentOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}

function isReadOnly({ get, set, value }: PropertyDescriptor): boolean {
  return typeof value === 'function' || (get !== undefined && set === undefined);
}
