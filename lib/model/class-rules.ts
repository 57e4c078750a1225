import type { TransformFnParams, TypeHelpOptions, TypeMetadata } from 'class-transformer';

/** Any class; decorators don't say whether it can be constructed. */
export type AnyClass = abstract new (...args: never[]) => unknown;

export type Fields = Record<string, unknown>;

type Discriminator = NonNullable<NonNullable<TypeMetadata['options']>['discriminator']>;

/** What `@Type()` says of a property. */
export class FieldType {
  /** The class TypeScript saw: `Map`, `Set`, `Array`, or the user's own list. */
  readonly reflected: unknown;
  readonly discriminator: Discriminator | undefined;
  readonly keepsDiscriminator: boolean;
  readonly #property: string;
  readonly #typeFunction: TypeMetadata['typeFunction'] | undefined;

  constructor(metadata: Partial<TypeMetadata> & Pick<TypeMetadata, 'propertyName'>) {
    const { discriminator, keepDiscriminatorProperty } = metadata.options ?? {};
    const isComplete = Boolean(discriminator?.property && discriminator.subTypes);
    this.discriminator = isComplete ? discriminator : undefined;
    this.keepsDiscriminator = keepDiscriminatorProperty === true;
    this.reflected = metadata.reflectedType;
    this.#property = metadata.propertyName;
    this.#typeFunction = metadata.typeFunction;
  }

  /** Whether the function that names the class may look at what it is given. */
  get looksAtObject(): boolean {
    return this.#typeFunction !== undefined && this.#typeFunction.length > 0;
  }

  /**
   * The class of the value, asked anew for each, because the function may look at the object.
   * `undefined` for a container, which says nothing of what it holds.
   */
  resolve(newObject: unknown, object: unknown): AnyClass | undefined {
    return this.#call(newObject, object, this.#property);
  }

  /** The class of a list's element: there the function is told of no property. */
  resolveElement(list: unknown, element: unknown): AnyClass | undefined {
    return this.#call(list, element, undefined);
  }

  #call(newObject: unknown, object: unknown, property: string | undefined): AnyClass | undefined {
    const params = { newObject, object, property } as TypeHelpOptions;
    const type: unknown = this.#typeFunction ? this.#typeFunction(params) : this.reflected;
    return typeof type === 'function' && !CONTAINERS.has(type) ? (type as AnyClass) : undefined;
  }
}

const CONTAINERS: ReadonlySet<unknown> = new Set([Array, Function, Map, Set]);

export type Transform = (params: TransformFnParams) => unknown;

/** What holds for one key in one direction. */
export interface FieldRule {
  readonly key: string;
  /** The key it is written under. */
  readonly name: string;
  readonly isHidden: boolean;
  readonly type: FieldType | undefined;
  readonly transforms: readonly Transform[];
  /** Nothing can be assigned to it. */
  readonly isGuarded: boolean;
}

/** What holds for a class in one direction, with one set of options. */
export interface ClassRules {
  /** `undefined` for plain objects. */
  readonly model: AnyClass | undefined;
  /** Whether an object's own keys count, or the exposed ones alone. */
  readonly takesOwn: boolean;
  /** Keys that the decorators speak of. */
  readonly known: Map<string, FieldRule>;
  /** Keys to look for beside the object's own. */
  readonly exposed: readonly FieldRule[];
  /** Whether objects keep their shape: nothing hidden, renamed, typed or computed. */
  readonly isPlain: boolean;
}

/** The rule of a key that no decorator speaks of. */
export function plainRule(key: string, isGuarded = false): FieldRule {
  return { key, name: key, isHidden: false, type: undefined, transforms: [], isGuarded };
}

export function createRules(
  model: AnyClass | undefined,
  takesOwn: boolean,
  known: Map<string, FieldRule>,
  exposed: readonly FieldRule[],
): ClassRules {
  const isPlain = takesOwn && exposed.length === 0 && [...known.values()].every(isPlainRule);
  return { model, takesOwn, known, exposed, isPlain };
}

function isPlainRule({ key, name, isHidden, type, transforms }: FieldRule): boolean {
  return key === name && !isHidden && type === undefined && transforms.length === 0;
}

/**
 * The rules of a declared class for an instance of another one: the declared class says how, and
 * what the instance's own class hides stays hidden.
 */
export function combineRules(declared: ClassRules, own: ClassRules): ClassRules {
  const known = new Map<string, FieldRule>();
  for (const key of [...declared.known.keys(), ...own.known.keys()]) {
    const rule = declared.known.get(key) ?? { ...plainRule(key), isHidden: !declared.takesOwn };
    known.set(key, isHiddenBy(own, key) ? { ...rule, isHidden: true } : rule);
  }
  const takesOwn = declared.takesOwn && own.takesOwn;
  const isNarrowed = declared.takesOwn && !own.takesOwn;
  const keys = isNarrowed ? [...own.exposed, ...declared.exposed] : declared.exposed;
  const exposed = [...new Set(keys.map(({ key }) => key))]
    .map((key) => known.get(key))
    .filter((rule) => rule !== undefined && !rule.isHidden) as FieldRule[];
  return createRules(declared.model, takesOwn, known, exposed);
}

function isHiddenBy(rules: ClassRules, key: string): boolean {
  return rules.known.get(key)?.isHidden ?? !rules.takesOwn;
}
