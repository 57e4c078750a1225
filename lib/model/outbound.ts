import { TransformationType } from 'class-transformer';
import type { AnyClass, ClassRules, FieldRule, Fields, FieldType } from './class-rules.js';
import type { MetadataReader } from './metadata-reader.js';
import type { RegisteredModels } from './model-compiler.js';
import {
  classOf,
  copyUntil,
  isContainer,
  isLeaf,
  isPlainObject,
  mapContainer,
  toDeclared,
} from './values.js';

/** Above what any codec carries; it turns a graph that contains itself into an error. */
const MAX_DEPTH = 256;

const hasOwn = Object.prototype.hasOwnProperty;

/**
 * Instances to the fields that cross the wire, as class-transformer's `instanceToPlain` means it.
 * What the codecs carry stays as it is, and instances they can name stay instances.
 */
export class Outbound {
  readonly #keepsUnset: boolean;
  readonly #plainObject: ClassRules;
  readonly #carried = new Map<AnyClass, boolean>();

  constructor(
    private readonly reader: MetadataReader,
    private readonly models: RegisteredModels,
  ) {
    this.#keepsUnset = Boolean(reader.options.exposeUnsetFields);
    this.#plainObject = reader.rulesOf(undefined);
  }

  /**
   * The function that gives an instance's fields; the instance itself when they are just its own.
   * It throws a TypeError for a graph that contains itself, and what the user's functions throw.
   */
  compile(model: AnyClass): (instance: object) => Fields {
    let rules: ClassRules | undefined;
    return (instance) => {
      rules ??= this.reader.rulesOf(model);
      return this.#fields(rules, instance as Fields, 0, rules.isPlain);
    };
  }

  #fields(rules: ClassRules, source: Fields, depth: number, mayShare: boolean): Fields {
    if (depth > MAX_DEPTH) throw tooDeep();
    return mayShare ? this.#share(source, depth) : this.#build(rules, source, depth);
  }

  /** Copied only from where it begins to differ. */
  #share(source: Fields, depth: number): Fields {
    let copy: Fields | undefined;
    for (const key in source) {
      const value = source[key];
      if (isPrimitive(value) && copy === undefined && !this.reader.hides(key)) continue;
      if (!hasOwn.call(source, key)) continue;
      const isHidden = this.reader.hides(key);
      const result = isHidden ? undefined : this.#own(value, source, depth);
      const isLeftOut = isHidden || (result === undefined && !this.#keepsUnset);
      if (copy === undefined && (isLeftOut || result !== value)) copy = copyUntil(source, key);
      if (copy !== undefined && !isLeftOut) copy[key] = result;
    }
    return copy ?? source;
  }

  #build(rules: ClassRules, source: Fields, depth: number): Fields {
    const fields: Fields = {};
    if (rules.takesOwn) {
      for (const key of Object.keys(source)) {
        const rule = rules.known.get(key);
        if (rule !== undefined) this.#write(fields, rule, source, source[key], depth);
        else if (!this.reader.hides(key)) this.#writeOwn(fields, key, source, depth);
      }
    }
    for (const rule of rules.exposed) {
      if (rules.takesOwn && hasOwn.call(source, rule.key)) continue;
      this.#write(fields, rule, source, source[rule.key], depth);
    }
    return fields;
  }

  #writeOwn(fields: Fields, key: string, source: Fields, depth: number): void {
    const result = this.#own(source[key], source, depth);
    if (result !== undefined || this.#keepsUnset) fields[key] = result;
  }

  #write(fields: Fields, rule: FieldRule, source: Fields, value: unknown, depth: number): void {
    if (rule.isHidden) return;
    const called: unknown = typeof value === 'function' ? value.call(source) : value;
    const changed = rule.transforms.length > 0 ? this.#transform(rule, source, value) : value;
    const result = changed === value ? called : changed;
    const wire =
      rule.type === undefined
        ? this.#dynamic(result, depth + 1)
        : this.#declared(fields, rule.type, source, result, called, depth + 1);
    if (wire !== undefined || this.#keepsUnset) fields[rule.name] = wire;
  }

  #transform({ key, transforms }: FieldRule, obj: Fields, initial: unknown): unknown {
    let value = initial;
    for (const transform of transforms) {
      const type = TransformationType.CLASS_TO_PLAIN;
      value = transform({ value, key, obj, type, options: this.reader.options });
    }
    return value;
  }

  /** `original` is the value before `@Transform()`: the discriminator is told of that alone. */
  #declared(
    fields: Fields,
    type: FieldType,
    source: Fields,
    value: unknown,
    original: unknown,
    depth: number,
  ): unknown {
    const declared = type.resolve(fields, source);
    if (type.discriminator === undefined) {
      return this.#typed(value, declared, type.reflected === Map, depth);
    }
    return value === original
      ? this.#discriminated(value, type, depth)
      : this.#dynamic(value, depth);
  }

  /** A value without a declaration; a function that is an object's own is called for it. */
  #own(value: unknown, source: Fields, depth: number): unknown {
    if (typeof value === 'object') return this.#dynamic(value, depth + 1);
    if (typeof value === 'function') return this.#dynamic(value.call(source), depth + 1);
    return value;
  }

  #dynamic(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (isPlainObject(value)) {
      return this.#fields(this.#plainObject, value, depth, this.#plainObject.isPlain);
    }
    if (isContainer(value)) {
      const inner = deeper(depth);
      return mapContainer(value, (part) => this.#dynamic(part, inner));
    }
    if (this.models.isRegistered(value) || isLeaf(value)) return value;
    return this.#fields(this.reader.rulesOf(classOf(value)), value as Fields, depth, false);
  }

  #typed(value: unknown, type: AnyClass | undefined, isMap: boolean, depth: number): unknown {
    if (value === undefined || value === null) return value;
    if (type === undefined) return this.#dynamic(value, depth);
    if (Object.getPrototypeOf(value) === type.prototype && this.#isCarried(type)) return value;
    if (isContainer(value)) {
      const inner = deeper(depth);
      return mapContainer(value, (part) => this.#typed(part, type, false, inner));
    }
    if (isMap && isPlainObject(value)) return this.#mapLike(value, type, deeper(depth));
    const declared = toDeclared(value, type);
    if (typeof declared !== 'object' || declared === null || isLeaf(declared)) return declared;
    return this.#nested(declared, type, depth);
  }

  /** Whether the codecs carry direct instances of a class as they are; asked for every one of them. */
  #isCarried(type: AnyClass): boolean {
    let isCarried = this.#carried.get(type);
    if (isCarried === undefined) {
      const instance = Object.create(type.prototype as object) as object;
      isCarried = !isContainer(instance) && this.models.isRegistered(instance);
      this.#carried.set(type, isCarried);
    }
    return isCarried;
  }

  /** An object where a Map is declared. */
  #mapLike(source: Fields, type: AnyClass, depth: number): Fields {
    const fields: Fields = {};
    for (const key of Object.keys(source)) {
      fields[key] = this.#typed(source[key], type, false, depth);
    }
    return fields;
  }

  /**
   * A registered class is named on the wire, so that it arrives as an instance where nobody reads
   * the declaration: in a client without class-transformer. Others go by the declared class.
   */
  #nested(value: object, type: AnyClass, depth: number): unknown {
    const own = classOf(value);
    if (value instanceof type && this.models.isRegistered(value)) return value;
    if (own === undefined || own === type || isPlainObject(value)) {
      return this.#fields(this.reader.rulesOf(type), value as Fields, depth, false);
    }
    return this.#fields(this.reader.rulesOfPair(type, own), value as Fields, depth, false);
  }

  #discriminated(value: unknown, type: FieldType, depth: number): unknown {
    if (typeof value !== 'object' || value === null || isLeaf(value)) return value;
    if (!isContainer(value)) return this.#subtype(value as Fields, type, depth);
    const inner = deeper(depth);
    return mapContainer(value, (part) => this.#discriminated(part, type, inner));
  }

  /** The discriminator is written beside the fields: class-transformer sets it on the instance. */
  #subtype(value: Fields, { discriminator }: FieldType, depth: number): unknown {
    const own = classOf(value);
    const subtype = discriminator?.subTypes.find((it) => it.value === own);
    if (discriminator === undefined || subtype === undefined) return this.#otherType(value, own);
    const rules = this.reader.rulesOf(own);
    const fields = this.#fields(rules, value, depth, false);
    const key = discriminator.property;
    const rule = rules.known.get(key);
    if (rule !== undefined) this.#write(fields, rule, value, subtype.name, depth);
    else if (rules.takesOwn && !this.reader.hides(key)) fields[key] = subtype.name;
    return fields;
  }

  #otherType(value: object, own: AnyClass | undefined): object {
    if (this.models.isRegistered(value)) return value;
    throw new TypeError(`${own?.name ?? 'An object'} is none of the subtypes that are declared.`);
  }
}

/** Whether a value is sent as it is, whoever has it. */
function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' && typeof value !== 'function' && value !== undefined;
}

function deeper(depth: number): number {
  if (depth > MAX_DEPTH) throw tooDeep();
  return depth + 1;
}

function tooDeep(): TypeError {
  return new TypeError('A value nests too deep to be sent, or contains itself.');
}
