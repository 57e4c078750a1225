/** A class whose instances are messages, or `String`, `Number`, `Boolean`, `BigInt`. */
export type MessageClass = (abstract new (...args: never[]) => unknown) | BigIntConstructor;

/**
 * A type reference: a class, or an arrow function that gives one class or several. Anything else
 * that can be called and has a `prototype` is taken for a class.
 */
export type MessageType<C extends MessageClass = MessageClass> = C | (() => C | readonly C[]);

/** The messages a type reference stands for. */
export type MessageOf<C> = C extends StringConstructor
  ? string
  : C extends NumberConstructor
    ? number
    : C extends BooleanConstructor
      ? boolean
      : C extends BigIntConstructor
        ? bigint
        : C extends abstract new (
              ...args: never[]
            ) => infer T
          ? T
          : never;

const PRIMITIVES: ReadonlyMap<MessageClass, string> = new Map<MessageClass, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [BigInt, 'bigint'],
]);

/** What a subscription with a type asks of each message. */
export class MessageCheck {
  readonly #classes: readonly MessageClass[];

  /** @throws TypeError when the reference leads to something that is not a class. */
  constructor(type: MessageType) {
    this.#classes = resolveMessageType(type);
  }

  accepts(message: unknown): boolean {
    return this.#classes.some((messageClass) => isInstance(message, messageClass));
  }

  /** The sentence for a message that was not accepted. */
  complaint(channel: string, message: unknown): string {
    const expected = this.#classes.map(({ name }) => name).join(' or ');
    return `A message on channel "${channel}" is ${describe(message)}, not ${expected}.`;
  }
}

function resolveMessageType(type: MessageType): readonly MessageClass[] {
  const resolved = typeof type === 'function' && !isClass(type) ? type() : type;
  const classes: readonly MessageClass[] = Array.isArray(resolved) ? resolved : [resolved];
  if (classes.length === 0 || !classes.every(isClass))
    throw new TypeError(
      'type must be a class, or an arrow function that returns a class or an array of classes; ' +
        'if it does, a circular import may have left the class undefined.',
    );
  return classes;
}

// Arrow functions and methods have no prototype; classes, String and BigInt do.
function isClass(value: unknown): value is MessageClass {
  return typeof value === 'function' && Object.hasOwn(value, 'prototype');
}

function isInstance(message: unknown, messageClass: MessageClass): boolean {
  const primitive = PRIMITIVES.get(messageClass);
  return primitive === undefined ? message instanceof messageClass : typeof message === primitive;
}

function describe(message: unknown): string {
  if (message === null || typeof message !== 'object')
    return String(message === null ? null : typeof message);
  return Object.getPrototypeOf(message)?.constructor?.name || 'an object';
}
