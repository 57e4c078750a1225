import type { ClassTransformOptions, ExposeMetadata } from 'class-transformer';
import { TransformationType } from 'class-transformer';
import type { MetadataStorage } from 'class-transformer/types/MetadataStorage.js';
import {
  type AnyClass,
  type ClassRules,
  combineRules,
  createRules,
  type FieldRule,
  FieldType,
  plainRule,
  type Transform,
} from './class-rules.js';
import { isForbidden, isGuarded } from './guarded-property.js';

export type Direction = TransformationType.CLASS_TO_PLAIN | TransformationType.PLAIN_TO_CLASS;

/** Metadata that is bound to groups or versions. */
interface Bounds {
  readonly since?: number;
  readonly until?: number;
  readonly groups?: string[];
}

/** reflect-metadata adds it; class-transformer's `@Type()` calls it, too. */
const reflection = Reflect as unknown as {
  getMetadata(key: string, target: object, property: string): unknown;
};

/** Reads what class-transformer's decorators were told, once for each class. */
export class MetadataReader {
  readonly #rules = new Map<AnyClass | undefined, ClassRules>();
  readonly #pairs = new Map<AnyClass, Map<AnyClass, ClassRules>>();

  constructor(
    private readonly storage: MetadataStorage,
    readonly options: ClassTransformOptions,
    readonly direction: Direction,
  ) {}

  /** The rules of a class; of plain objects for `undefined`. */
  rulesOf(model: AnyClass | undefined): ClassRules {
    let rules = this.#rules.get(model);
    if (rules === undefined) {
      rules = model === undefined ? this.#plainRules() : this.#read(model);
      this.#rules.set(model, rules);
    }
    return rules;
  }

  /** The rules for an instance of `own` where `declared` was declared. */
  rulesOfPair(declared: AnyClass, own: AnyClass): ClassRules {
    let pairs = this.#pairs.get(declared);
    if (pairs === undefined) {
      pairs = new Map();
      this.#pairs.set(declared, pairs);
    }
    let rules = pairs.get(own);
    if (rules === undefined) {
      rules = combineRules(this.rulesOf(declared), this.rulesOf(own));
      pairs.set(own, rules);
    }
    return rules;
  }

  /** Whether a key that no decorator speaks of is left out. */
  hides(key: string): boolean {
    return isForbidden(key) || !this.#passesPrefixes(key);
  }

  /** What TypeScript said of a property, where values are to be converted by it. */
  implicitType(model: AnyClass, property: string): FieldType | undefined {
    if (!this.options.enableImplicitConversion || this.#isOutbound) return undefined;
    const type = reflection.getMetadata('design:type', model.prototype as object, property);
    if (typeof type !== 'function') return undefined;
    return new FieldType({ propertyName: property, typeFunction: () => type });
  }

  get #isOutbound(): boolean {
    return this.direction === TransformationType.CLASS_TO_PLAIN;
  }

  #plainRules(): ClassRules {
    return createRules(undefined, this.options.strategy !== 'excludeAll', new Map(), []);
  }

  #read(model: AnyClass): ClassRules {
    const known = new Map<string, FieldRule>();
    for (const key of this.#knownKeys(model)) known.set(key, this.#rule(model, key));
    const exposed = this.#exposedKeys(model)
      .map((key) => known.get(key))
      .filter((rule) => rule !== undefined && !rule.isHidden) as FieldRule[];
    return createRules(model, this.#takesOwn(model), known, [...new Set(exposed)]);
  }

  #takesOwn(model: AnyClass): boolean {
    if (this.options.excludeExtraneousValues) return false;
    const declared = this.storage.getStrategy(model);
    const strategy = declared === 'none' ? (this.options.strategy ?? 'exposeAll') : declared;
    return strategy === 'exposeAll';
  }

  #exposedKeys(model: AnyClass): string[] {
    const properties = this.storage.getExposedProperties(model, this.direction);
    if (this.#isOutbound) return properties;
    return properties.map((property) => this.#exposeOf(model, property)?.options.name || property);
  }

  /** Outbound the properties; inbound what they are called on the wire, too. */
  #knownKeys(model: AnyClass): Set<string> {
    const exposed = this.storage.getExposedMetadatas(model);
    const keys = [...exposed, ...this.storage.getExcludedMetadatas(model)].map(toProperty);
    for (const it of [model, ...ancestorsOf(model)]) {
      keys.push(...(this.storage['_typeMetadatas'].get(it)?.keys() ?? []));
      keys.push(...(this.storage['_transformMetadatas'].get(it)?.keys() ?? []));
    }
    if (!this.#isOutbound) keys.push(...exposed.flatMap(({ options }) => options.name ?? []));
    return new Set(keys);
  }

  #rule(model: AnyClass, key: string): FieldRule {
    const property = this.#isOutbound ? key : this.#propertyNamed(model, key);
    const name = this.#isOutbound ? this.#exposeOf(model, key)?.options.name || key : property;
    const prototype = model.prototype as object;
    return {
      ...plainRule(key, isGuarded(prototype, property)),
      name,
      isHidden: isForbidden(key) || !this.#passes(model, key),
      type: this.#typeOf(model, property),
      transforms: this.#transformsOf(model, property),
    };
  }

  #propertyNamed(model: AnyClass, name: string): string {
    return this.storage.findExposeMetadataByCustomName(model, name)?.propertyName ?? name;
  }

  #exposeOf(model: AnyClass, property: string): ExposeMetadata | undefined {
    return this.storage.findExposeMetadata(model, property) as ExposeMetadata | undefined;
  }

  #typeOf(model: AnyClass, property: string): FieldType | undefined {
    const metadata = this.storage.findTypeMetadata(model, property);
    return metadata ? new FieldType(metadata) : this.implicitType(model, property);
  }

  #transformsOf(model: AnyClass, property: string): Transform[] {
    return this.storage
      .findTransformMetadatas(model, property, this.direction)
      .filter(({ options }) => options === undefined || this.#isWithin(options))
      .map(({ transformFn }) => transformFn);
  }

  /** The key as it stands, though inbound it may be another than the property's: so it is there. */
  #passes(model: AnyClass, key: string): boolean {
    const excluded = this.storage.getExcludedProperties(model, this.direction);
    const expose = this.#exposeOf(model, key);
    if (excluded.includes(key) || !this.#passesPrefixes(key)) return false;
    return expose?.options === undefined || this.#isWithin(expose.options);
  }

  #passesPrefixes(key: string): boolean {
    return !this.options.excludePrefixes?.some((prefix) => key.startsWith(prefix));
  }

  #isWithin({ since, until, groups }: Bounds): boolean {
    const { version, groups: chosen } = this.options;
    if (version !== undefined && since && !(version >= since)) return false;
    if (version !== undefined && until && !(version < until)) return false;
    if (!chosen?.length) return !groups?.length;
    return groups === undefined || chosen.some((group) => groups.includes(group));
  }
}

function toProperty({ propertyName }: { readonly propertyName: string | undefined }): string {
  return propertyName as string;
}

function ancestorsOf(model: AnyClass): AnyClass[] {
  const parent = Object.getPrototypeOf(model) as AnyClass;
  return parent.prototype === undefined ? [] : [parent, ...ancestorsOf(parent)];
}
