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

/** A value holds an instance whose class nobody registered. */
export class NotRegisteredError extends TypeError {}

/** What is told of such an instance; `remedy` is what to do about its class. */
export function notRegistered(
  value: object,
  remedy = 'add @Serializable() to it',
): NotRegisteredError {
  const given: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
  const name = typeof given === 'string' && given !== '' ? given : 'A class';
  return new NotRegisteredError(
    `${name} is not registered, so its instances can't be sent: ${remedy}.`,
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
