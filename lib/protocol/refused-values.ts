/** Keys that no value may have, at any depth: they reach an object's prototype. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
]);

const SHORTEST_FORBIDDEN_KEY = Math.min(...[...FORBIDDEN_KEYS].map((key) => key.length));

/** Asked for every key there is, and most are too short. */
export function isForbiddenKey(key: string): boolean {
  return key.length >= SHORTEST_FORBIDDEN_KEY && FORBIDDEN_KEYS.has(key);
}

/** What is told of an instance whose class nobody registered. */
export function notRegistered(value: object): TypeError {
  const name: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
  return new TypeError(
    `${typeof name === 'string' && name !== '' ? name : 'A class'} is not registered, so its instances can't be sent: add @Serializable() to it.`,
  );
}

/** What is told of an instance that lost or won fields while they were sent: its getters did it. */
export function changed(): TypeError {
  return new TypeError("An instance changed while it was sent, so it can't be.");
}

/** What is told of a value that the peer would not take. */
export function tooLarge(maxBytes: number): TypeError {
  return new TypeError(`A value takes more than ${maxBytes} bytes, the most that may be sent.`);
}
