import type { ModelClass, ModelRegistry } from '../model/registry.js';
import { StreamError } from '../protocol/stream-error.js';

/** A class as it stands in a type reference; `BigInt` has no constructor of its own. */
export type ElementClass = (abstract new (...args: never[]) => unknown) | BigIntConstructor;

/** A type, or `null` where the union has it. */
export type ElementTypes = ElementClass | readonly (ElementClass | null)[];

/**
 * Names the types of a stream's items: `() => Number`, `() => Stroke`, `() => [Stroke, Erasure]`;
 * a thunk, because the class may stand further down in its file. `null` in the list allows `null`.
 */
export type TypeReference = () => ElementTypes;

type Test = (value: unknown) => boolean;

/** How a sentence names the values of a type, and what tells them from others. */
type Kind = readonly [name: string, test: Test];

const PRIMITIVES: ReadonlyMap<unknown, Kind> = new Map<unknown, Kind>([
  [String, ['a string', (value) => typeof value === 'string']],
  [Number, ['a number', (value) => typeof value === 'number']],
  [Boolean, ['a boolean', (value) => typeof value === 'boolean']],
  [BigInt, ['a bigint', (value) => typeof value === 'bigint']],
  [Date, ['a Date', (value) => value instanceof Date]],
  [Uint8Array, ['bytes', (value) => value instanceof Uint8Array]],
]);

/** What their elements are declared as, compilers don't write down. */
const COLLECTIONS: ReadonlyMap<unknown, Kind> = new Map<unknown, Kind>([
  [Array, ['an array', Array.isArray]],
  [Map, ['a Map', (value) => value instanceof Map]],
  [Set, ['a Set', (value) => value instanceof Set]],
]);

/** The types that a parameter or a stream was declared with, and the test for them. */
export class ElementType {
  /** How a sentence names them: `a number or Stroke`. */
  readonly name: string;
  readonly #classes: readonly ElementClass[];
  readonly #tests: readonly Test[];

  private constructor(types: readonly (ElementClass | null)[], kinds = types.map(toKind)) {
    this.#classes = types.filter((type) => type !== null);
    this.#tests = kinds.map(([, test]) => test);
    this.name = kinds.map(([name]) => name).join(' or ');
  }

  /** Of the `design:type` of an argument with pipes of its own: a class may be what they start from. */
  static ofPrimitive(type: ElementClass | undefined): ElementType | undefined {
    return PRIMITIVES.has(type) ? new ElementType([type as ElementClass]) : undefined;
  }

  /**
   * Of an argument's `design:type`. Of a class that is not registered a client can send what looks
   * like one at most; other classes of the platform are nothing to go by.
   */
  static ofArgument(
    type: ElementClass | undefined,
    models: ModelRegistry,
  ): ElementType | undefined {
    if (PRIMITIVES.has(type)) return ElementType.ofPrimitive(type);
    const collection = COLLECTIONS.get(type);
    if (collection !== undefined) return new ElementType([], [collection]);
    if (!isOwnClass(type)) return undefined;
    if (models.has(type as ModelClass)) return new ElementType([type]);
    const test: Test = (value) => value instanceof type || isPlainObject(value);
    return new ElementType([type], [[`${type.name} or a plain object`, test]]);
  }

  /**
   * Of a type reference. `where` begins the sentence of a mistake.
   *
   * @throws TypeError when it names something that can't cross the wire.
   */
  static of(reference: TypeReference, models: ModelRegistry, where: string): ElementType {
    const types = [callThunk(reference, where)].flat() as unknown[];
    if (types.length === 0) throw new TypeError(`${where} names no type.`);
    for (const type of types) checkType(type, models, where);
    return new ElementType(types as (ElementClass | null)[]);
  }

  /** Those of the types that are models. */
  get models(): ModelClass[] {
    return this.#classes.filter((it) => !PRIMITIVES.has(it)) as ModelClass[];
  }

  /** Whether a pipe may well make a value of one of them of something else: a number of a text. */
  get isPrimitive(): boolean {
    return this.#classes.some((type) => PRIMITIVES.has(type));
  }

  /** The class a pipe is told of: the value's own, or the only one there is. */
  classOf(value: unknown): ElementClass | undefined {
    if (this.#classes.length === 1) return this.#classes[0];
    return this.#classes.find((type) => toKind(type)[1](value));
  }

  /** The model that a plain object is meant to be: the only class there is. */
  get model(): ModelClass | undefined {
    return this.#classes.length === 1 ? this.models[0] : undefined;
  }

  /**
   * `place` begins the sentence.
   *
   * @throws StreamError `invalid-argument` that names the property, for a value of another type.
   */
  check(value: unknown, property: string, place = property): void {
    if (this.#tests.some((test) => test(value))) return;
    const constraint = `must be ${this.name}`;
    throw new StreamError('invalid-argument', `${place} ${constraint}.`, {
      data: [{ property, constraints: { type: constraint } }],
    });
  }
}

function callThunk(reference: TypeReference, where: string): unknown {
  try {
    return reference();
  } catch (cause) {
    throw new TypeError(
      `${where} must name its type by a thunk, such as () => Number, or a schema as { schema }.`,
      { cause },
    );
  }
}

function checkType(type: unknown, models: ModelRegistry, where: string): void {
  if (type === null || PRIMITIVES.has(type)) return;
  if (typeof type !== 'function') {
    throw new TypeError(
      `${where} names ${String(type)}, which is no class; a circular import leaves undefined.`,
    );
  }
  if (!models.has(type as ModelClass)) {
    throw new TypeError(`${where} names ${type.name}, which needs @Serializable().`);
  }
}

function toKind(type: ElementClass | null): Kind {
  if (type === null) return ['null', (value) => value === null];
  return PRIMITIVES.get(type) ?? [type.name, (value) => value instanceof type];
}

/** A class of the application or of a library, not of the platform. */
export function isOwnClass(
  type: ElementClass | undefined,
): type is Exclude<ElementClass, BigIntConstructor> {
  // Not all functions have a prototype, and compilers write of some types that they are functions.
  if (typeof type?.prototype !== 'object' || type.prototype === null) return false;
  return Reflect.get(globalThis, type.name) !== type;
}

/** Whether a value is an object of no class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
