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

const PRIMITIVES: ReadonlyMap<unknown, readonly [name: string, test: Test]> = new Map<
  unknown,
  readonly [string, Test]
>([
  [String, ['a string', (value) => typeof value === 'string']],
  [Number, ['a number', (value) => typeof value === 'number']],
  [Boolean, ['a boolean', (value) => typeof value === 'boolean']],
  [BigInt, ['a bigint', (value) => typeof value === 'bigint']],
  [Date, ['a Date', (value) => value instanceof Date]],
  [Uint8Array, ['bytes', (value) => value instanceof Uint8Array]],
]);

/** The types that a parameter or a stream was declared with, and the test for them. */
export class ElementType {
  /** How a sentence names them: `a number or Stroke`. */
  readonly name: string;
  readonly #classes: readonly ElementClass[];
  readonly #tests: readonly Test[];

  private constructor(types: readonly (ElementClass | null)[]) {
    this.#classes = types.filter((type) => type !== null);
    this.#tests = types.map(toTest);
    this.name = types.map(toName).join(' or ');
  }

  /** Of a parameter's `design:type`: only those of which a value can be told for sure. */
  static ofParameter(type: unknown): ElementType | undefined {
    return PRIMITIVES.has(type) ? new ElementType([type as ElementClass]) : undefined;
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

  /** The class a pipe is told of: the value's own, or the only one there is. */
  classOf(value: unknown): ElementClass | undefined {
    if (this.#classes.length === 1) return this.#classes[0];
    return this.#classes.find((type) => toTest(type)(value));
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

function toTest(type: ElementClass | null): Test {
  if (type === null) return (value) => value === null;
  const known = PRIMITIVES.get(type);
  return known === undefined ? (value) => value instanceof type : known[1];
}

function toName(type: ElementClass | null): string {
  if (type === null) return 'null';
  return PRIMITIVES.get(type)?.[0] ?? type.name;
}
