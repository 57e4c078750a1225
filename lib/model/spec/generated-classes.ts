import {
  Exclude,
  type ExcludeOptions,
  Expose,
  type ExposeOptions,
  Transform,
  type TransformOptions,
  Type,
} from 'class-transformer';
import fc from 'fast-check';
import 'reflect-metadata';

/** What a generated property is, and so which decorators and values it gets. */
const KINDS = [
  'loose',
  'string',
  'number',
  'boolean',
  'date',
  'child',
  'children',
  'childMap',
  'childSet',
  'looking',
  'one',
  'many',
  'implicit',
  'getter',
  'method',
] as const;

type Kind = (typeof KINDS)[number];

/** Those that need another class. */
const NESTED = 'child children childMap childSet looking one many'.split(' ');

interface PropertyPlan {
  readonly kind: Kind;
  readonly expose: ExposeOptions | undefined;
  readonly exclude: ExcludeOptions | undefined;
  readonly transforms: readonly { readonly salt: string; readonly options: TransformOptions }[];
  readonly initial: boolean;
  readonly design: unknown;
}

interface ClassPlan {
  readonly properties: Readonly<Record<string, PropertyPlan>>;
  readonly strategy: 'expose' | 'exclude' | undefined;
  readonly extendsPrevious: boolean;
  readonly keepsDiscriminator: boolean;
}

export type Model = new () => Record<string, unknown>;

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });

const direction = fc.constantFrom({}, {}, { toPlainOnly: true }, { toClassOnly: true });
const bounds = fc.constantFrom<ExposeOptions>(
  {},
  {},
  {},
  { groups: ['staff'] },
  { groups: ['staff', 'public'] },
  { since: 1 },
  { since: 1, until: 2 },
  { until: 3 },
);
const exposing = fc
  .tuple(direction, bounds, fc.constantFrom({}, {}, { name: 'renamed' }, { name: 'b' }))
  .map(([a, b, c]): ExposeOptions => ({ ...a, ...b, ...c }));
const transforming = fc.record({
  salt: fc.constantFrom('+', '-'),
  options: fc.tuple(direction, bounds).map(([a, b]) => ({ ...a, ...b })),
});

const property: fc.Arbitrary<PropertyPlan> = fc.record({
  kind: fc.constantFrom(...KINDS),
  expose: maybe(exposing),
  exclude: fc.option(direction, { nil: undefined, freq: 5 }),
  transforms: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(transforming, { minLength: 1, maxLength: 2 }) },
  ),
  initial: fc.boolean(),
  design: fc.constantFrom(String, Number, Boolean, Date, Object),
});

const classPlan: fc.Arbitrary<ClassPlan> = fc.record({
  properties: fc.dictionary(fc.constantFrom('a', 'b', 'c', '_d', 'e'), property, { maxKeys: 5 }),
  strategy: fc.constantFrom(undefined, undefined, undefined, 'expose', 'exclude'),
  extendsPrevious: fc.boolean(),
  keepsDiscriminator: fc.boolean(),
});

/** Three classes, of which each may extend and contain those before it. */
export const generatedClasses: fc.Arbitrary<GeneratedClasses> = fc
  .tuple(classPlan, classPlan, classPlan)
  .map((plans) => new GeneratedClasses(plans));

export class GeneratedClasses {
  readonly #models: Model[] = [];

  constructor(readonly plans: readonly [ClassPlan, ...ClassPlan[]]) {
    this.plans = [toLeaf(plans[0]), ...plans.slice(1).map(toHeir(plans))];
    for (const plan of this.plans) this.#models.push(this.#create(plan));
  }

  /** The last class: it has the others in it. */
  get model(): Model {
    return this.#models[this.#models.length - 1] as Model;
  }

  /** An instance of the last class, or what a peer might send for one; the same for each seed. */
  value(as: 'instance' | 'fields', seed: readonly number[]): Record<string, unknown> {
    return this.#make(this.#models.length - 1, as, new Seeds(seed));
  }

  #create(plan: ClassPlan): Model {
    const base = plan.extendsPrevious ? this.#models.at(-1) : undefined;
    const initial = Object.keys(plan.properties).filter((key) => plan.properties[key]?.initial);
    const model = base === undefined ? class {} : class extends base {};
    const Made = class extends (model as Model) {
      constructor() {
        super();
        for (const key of initial) if (!(key in this)) this[key] = `initial ${key}`;
      }
    };
    if (plan.strategy === 'expose') Expose()(Made);
    if (plan.strategy === 'exclude') Exclude()(Made);
    for (const [key, it] of Object.entries(plan.properties)) this.#decorate(Made, key, it, plan);
    return Made;
  }

  #decorate(model: Model, key: string, plan: PropertyPlan, owner: ClassPlan): void {
    const prototype = model.prototype as object;
    if (plan.kind === 'getter') define(prototype, key, { get: () => 'got' });
    if (plan.kind === 'method') define(prototype, key, { value: () => 'called' });
    this.#declare(prototype, key, plan, owner);
    if (plan.expose) Expose(plan.expose)(prototype, key);
    if (plan.exclude) Exclude(plan.exclude)(prototype, key);
    for (const { salt, options } of plan.transforms) {
      Transform(({ value, key: of, type }) => {
        return typeof value === 'string' ? `${value}${salt}${of}${type}` : value;
      }, options)(prototype, key);
    }
  }

  #declare(prototype: object, key: string, plan: PropertyPlan, owner: ClassPlan): void {
    const child = this.#models[0] as Model;
    const design = (type: unknown) => Reflect.defineMetadata('design:type', type, prototype, key);
    const declare = (type: () => unknown) => Type(type as () => new () => unknown)(prototype, key);
    switch (plan.kind) {
      case 'string':
        return declare(() => String);
      case 'number':
        return declare(() => Number);
      case 'boolean':
        return declare(() => Boolean);
      case 'date':
        return declare(() => Date);
      case 'child':
        return declare(() => child);
      case 'children':
        design(Array);
        return declare(() => child);
      case 'childMap':
        design(Map);
        return declare(() => child);
      case 'childSet':
        design(Set);
        return declare(() => child);
      case 'implicit':
        return design(plan.design);
      case 'looking':
        return Type((options) => (isBig(options?.object) ? Big : child))(prototype, key);
      case 'one':
      case 'many':
        return Type(() => child, {
          keepDiscriminatorProperty: owner.keepsDiscriminator,
          discriminator: {
            property: 'kind',
            subTypes: this.#models.map((value, i) => ({ value, name: `class ${i}` })),
          },
        })(prototype, key);
    }
  }

  #make(index: number, as: 'instance' | 'fields', seeds: Seeds): Record<string, unknown> {
    return as === 'instance' ? this.#instance(index, seeds) : this.#fields(index, seeds);
  }

  #instance(index: number, seeds: Seeds): Record<string, unknown> {
    const made = new (this.#models[index] as Model)();
    for (const [key, { kind }] of this.#propertiesOf(index)) {
      if (kind === 'getter' || kind === 'method' || seeds.oneIn(7)) continue;
      define(made, key, { value: this.#value(kind, index, 'instance', seeds) });
    }
    if (seeds.oneIn(4)) made['extra'] = seeds.loose(2);
    return made;
  }

  #fields(index: number, seeds: Seeds): Record<string, unknown> {
    const made: Record<string, unknown> = seeds.oneIn(3) ? {} : { kind: `class ${index}` };
    for (const [key, { kind, expose }] of this.#propertiesOf(index)) {
      const name = seeds.oneIn(3) ? key : (expose?.name ?? key);
      if (!seeds.oneIn(7)) made[name] = this.#value(kind, index, 'fields', seeds);
    }
    for (const key of ['extra', 'toString', 'size']) {
      if (seeds.oneIn(5)) made[key] = seeds.loose(2);
    }
    return made;
  }

  /** Those of the class and of what it extends. */
  #propertiesOf(index: number): [string, PropertyPlan][] {
    const plan = this.plans[index] as ClassPlan;
    const inherited = plan.extendsPrevious && index > 0 ? this.#propertiesOf(index - 1) : [];
    return [...new Map([...inherited, ...Object.entries(plan.properties)])];
  }

  #value(kind: Kind, index: number, as: 'instance' | 'fields', seeds: Seeds): unknown {
    if (index === 0) return seeds.loose(2);
    // Of anything but an object class-transformer makes an empty Map.
    if (kind !== 'childMap' && seeds.oneIn(5)) return seeds.loose(2);
    const child = () => this.#make(0, as, seeds);
    const any = () => this.#make(seeds.below(index), as, seeds);
    switch (kind) {
      case 'child':
        return child();
      // An instance of another class than the declared one would hide what its own class hides.
      case 'looking':
        return this.#make(0, 'fields', seeds);
      case 'children':
        return seeds.oneIn(4) ? [seeds.list(child)] : seeds.list(child);
      case 'childMap':
        return mapOf(seeds.list(child), as);
      case 'childSet':
        return as === 'instance' ? new Set(seeds.list(child)) : seeds.list(child);
      case 'one':
        return any();
      case 'many':
        return seeds.list(any);
      case 'loose':
        return seeds.oneIn(4) ? child() : seeds.loose(3);
      default:
        return seeds.loose(1);
    }
  }
}

/** The first class has none to contain. */
function toLeaf(plan: ClassPlan): ClassPlan {
  const properties = Object.entries(plan.properties).map(([key, it]): [string, PropertyPlan] => [
    key,
    NESTED.includes(it.kind) ? { ...it, kind: 'loose' } : it,
  ]);
  return { ...plan, properties: Object.fromEntries(properties) };
}

/**
 * What a Map was declared for stays one: class-transformer goes by the type it had first. So does what
 * `looking` was declared for: its declaration is inherited, and not every value fits it.
 */
function toHeir(all: readonly ClassPlan[]): (plan: ClassPlan) => ClassPlan {
  const lasting = new Map<string, Kind>();
  for (const last of ['looking', 'childMap'] as const) {
    for (const { properties } of all) {
      for (const [key, { kind }] of Object.entries(properties))
        if (kind === last) lasting.set(key, kind);
    }
  }
  return (plan) => {
    const properties = Object.entries(plan.properties).filter(
      ([key, { kind }]) => kind === (lasting.get(key) ?? kind),
    );
    return { ...plan, properties: Object.fromEntries(properties) };
  };
}

/** Choices that are the same for the same numbers. */
class Seeds {
  #position = 0;

  constructor(private readonly numbers: readonly number[]) {}

  below(limit: number): number {
    const number = this.numbers[this.#position % this.numbers.length] ?? 0;
    this.#position++;
    return (number + 31 * this.#position) % limit;
  }

  oneIn(limit: number): boolean {
    return this.below(limit) === 0;
  }

  list<T>(make: () => T): T[] {
    return Array.from({ length: this.below(3) }, make);
  }

  /** A value that class-transformer leaves as it is, or copies. */
  loose(depth: number): unknown {
    const choice = this.below(SIMPLE.length + (depth > 0 ? 3 : 1));
    if (choice < SIMPLE.length) return SIMPLE[choice];
    const inner = () => this.loose(depth - 1);
    if (choice === SIMPLE.length) return new Date(86_400_000);
    if (choice === SIMPLE.length + 1) return this.list(inner);
    return { a: inner(), _d: inner(), [this.oneIn(5) ? 'valueOf' : 'z']: inner() };
  }
}

const SIMPLE = ['text', '7', '', 7, 0, -1.5, true, false, null, undefined];

/** What class-transformer reads a Map from is an object. */
function mapOf(values: readonly unknown[], as: 'instance' | 'fields'): unknown {
  const entries = values.map((value, i) => [`k${i}`, value] as const);
  return as === 'instance' ? new Map(entries) : Object.fromEntries(entries);
}

/** What `looking` finds where there is much to see. */
class Big {
  @Exclude() a = 'kept';
  @Expose({ name: 'e' }) b: unknown = undefined;
}

/** Without the discriminator, which class-transformer, unlike us, sets on what it sends. */
function isBig(object: unknown): boolean {
  return Object.keys(object ?? {}).filter((key) => key !== 'kind').length > 2;
}

function define(target: object, key: string, descriptor: PropertyDescriptor): void {
  const options = { configurable: true, enumerable: true };
  const data = 'value' in descriptor ? { writable: true } : {};
  Object.defineProperty(target, key, { ...options, ...data, ...descriptor });
}
