import { TransformationType } from 'class-transformer';
import type { FromValues } from '../protocol/model-port.js';
import type { AnyClass, ClassRules, FieldRule, Fields, FieldType } from './class-rules.js';
import { plainRule } from './class-rules.js';
import type { Generate } from './generated-code.js';
import { isForbidden, isGuarded } from './guarded-property.js';
import type { MetadataReader } from './metadata-reader.js';
import { createList, fill, isOwnList } from './own-list.js';
import { isUntouched, PlaceMaker } from './place-maker.js';
import { Refusal } from './refusal.js';
import {
  copyUntil,
  isContainer,
  isLeaf,
  isPlainObject,
  mapContainer,
  toDeclared,
} from './values.js';

type Constructable = new () => Fields;

const hasOwn = Object.prototype.hasOwnProperty;

/**
 * Fields that a peer sent to instances, as class-transformer's `plainToInstance` means it. What
 * the codecs made already, instances among it, stays as it is.
 */
export class Inbound {
  readonly #keepsUnset: boolean;
  readonly #keepsDefaults: boolean;
  readonly #plainObject: ClassRules;

  constructor(
    private readonly reader: MetadataReader,
    private readonly generate: Generate,
  ) {
    this.#keepsUnset = Boolean(reader.options.exposeUnsetFields);
    this.#keepsDefaults = Boolean(reader.options.exposeDefaultValues);
    this.#plainObject = reader.rulesOf(undefined);
  }

  /**
   * The function that makes instances. Whatever goes wrong, the user's functions included, it
   * throws as a StreamError `invalid-argument`.
   */
  compile(model: AnyClass): (fields: Readonly<Fields>) => object {
    let rules: ClassRules | undefined;
    return (fields) => {
      try {
        rules ??= this.reader.rulesOf(model);
        return this.#instanceOf(rules, fields);
      } catch (error) {
        throw Refusal.from(error).toStreamError(model);
      }
    };
  }

  /** The same for fields of which the names are known beforehand. */
  compilePlaces(model: AnyClass): (names: readonly string[]) => FromValues {
    const maker = new PlaceMaker(
      model,
      {
        rulesOf: (it) => this.reader.rulesOf(it),
        ruleOf: (rules, key) => this.#createRule(rules, key),
        instanceOf: (rules, fields) => this.#instanceOf(rules, fields),
        setPlain: (instance, name, value) => this.#setPlain(instance, name, value),
      },
      this.generate,
    );
    return (names) => maker.of(names);
  }

  #instanceOf(rules: ClassRules, fields: Fields): object {
    let key = '';
    try {
      const instance = new (rules.model as Constructable)();
      if (rules.takesOwn) {
        for (key in fields) {
          if (!hasOwn.call(fields, key)) continue;
          const rule = rules.known.get(key) ?? this.#ruleOf(rules, instance, key);
          if (!isUntouched(rule)) this.#set(instance, rule, fields, fields[key]);
          else if (!rule.isHidden && !rule.isGuarded) {
            this.#setPlain(instance, rule.name, fields[key]);
          }
        }
      }
      for (const rule of rules.exposed) {
        key = rule.key;
        if (hasOwn.call(fields, key)) {
          if (!rules.takesOwn) this.#set(instance, rule, fields, fields[key]);
        } else this.#set(instance, rule, fields, undefined);
      }
      return instance;
    } catch (error) {
      throw Refusal.from(error).within(key);
    }
  }

  /** Only those of the class's own fields are kept: a peer could send ever new keys. */
  #ruleOf(rules: ClassRules, instance: Fields, key: string): FieldRule {
    const rule = this.#createRule(rules, key);
    if (hasOwn.call(instance, key)) rules.known.set(key, rule);
    return rule;
  }

  #createRule(rules: ClassRules, key: string): FieldRule {
    const model = rules.model as AnyClass;
    const rule = { ...plainRule(key, isGuarded(model.prototype as object, key)) };
    const type = this.reader.implicitType(model, key);
    return { ...rule, type, isHidden: this.reader.hides(key) };
  }

  #set(instance: Fields, rule: FieldRule, fields: Fields, value: unknown): void {
    const { name } = rule;
    if (rule.isHidden || rule.isGuarded || typeof instance[name] === 'function') return;
    const keeps = value === undefined && this.#keepsDefaults;
    const result = keeps ? instance[name] : this.#convert(instance, rule, fields, value);
    if (result !== undefined || this.#keepsUnset) instance[name] = result;
  }

  /** A field of which nobody declared anything. */
  #setPlain(instance: Fields, name: string, value: unknown): void {
    if (typeof instance[name] === 'function') return;
    if (value === undefined) this.#setUndefined(instance, name);
    else instance[name] = typeof value === 'object' ? this.#dynamic(value) : value;
  }

  #setUndefined(instance: Fields, name: string): void {
    const result = this.#keepsDefaults ? instance[name] : undefined;
    if (result !== undefined || this.#keepsUnset) instance[name] = result;
  }

  #convert(instance: Fields, rule: FieldRule, fields: Fields, value: unknown): unknown {
    const { type, transforms } = rule;
    if (type !== undefined) {
      const declared = this.#declared(instance, type, fields, value);
      return transforms.length > 0 ? this.#transform(rule, fields, declared) : declared;
    }
    const result = typeof value === 'object' ? this.#dynamic(value) : value;
    return transforms.length > 0 ? this.#transform(rule, fields, result) : result;
  }

  #transform({ name, transforms }: FieldRule, obj: Fields, initial: unknown): unknown {
    let value = initial;
    for (const transform of transforms) {
      const type = TransformationType.PLAIN_TO_CLASS;
      value = transform({ value, key: name, obj, type, options: this.reader.options });
    }
    return value;
  }

  #declared(instance: Fields, type: FieldType, fields: Fields, value: unknown): unknown {
    if (type.discriminator !== undefined) return this.#discriminated(instance, type, fields, value);
    const declared = type.resolve(instance, fields);
    if (Array.isArray(value)) return this.#list(value, declared, type);
    return this.#typed(value, declared, type.reflected === Map);
  }

  #dynamic(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (isContainer(value)) return mapContainer(value, (part) => this.#dynamic(part));
    return isPlainObject(value) ? this.#plain(value) : value;
  }

  /** Copied only from where it begins to differ. */
  #plain(source: Fields): Fields {
    if (!this.#plainObject.takesOwn) return {};
    let copy: Fields | undefined;
    for (const key of Object.keys(source)) {
      const value = source[key];
      const isHidden = key in Object.prototype || this.reader.hides(key);
      const result = isHidden ? undefined : this.#dynamic(value);
      const isLeftOut = isHidden || (result === undefined && !this.#keepsUnset);
      if (copy === undefined && (isLeftOut || result !== value)) copy = copyUntil(source, key);
      if (copy !== undefined && !isLeftOut) copy[key] = result;
    }
    return copy ?? source;
  }

  #typed(value: unknown, type: AnyClass | undefined, isMap: boolean): unknown {
    if (value === undefined || value === null) return value;
    if (isMap && isPlainObject(value)) return this.#mapOf(value, type);
    if (type === undefined) return this.#dynamic(value);
    if (isContainer(value)) {
      return mapContainer(value, (part, i) =>
        isMade(part, type) ? part : at(i, () => this.#typed(part, type, false)),
      );
    }
    const declared = toDeclared(value, type);
    if (typeof declared !== 'object' || declared === null || isLeaf(declared)) return declared;
    return this.#nested(declared, type);
  }

  #nested(value: object, type: AnyClass): object {
    if (isPlainObject(value)) return this.#instanceOf(this.reader.rulesOf(type), value);
    if (value instanceof type) return value;
    throw Refusal.of(`must be a ${type.name}`);
  }

  /** An object where a Map is declared. */
  #mapOf(source: Fields, type: AnyClass | undefined): Map<string, unknown> {
    const keys = Object.keys(source).filter((key) => !isForbidden(key));
    return new Map(
      keys.map((key) => [key, at(key, () => this.#typed(source[key], type, false))] as const),
    );
  }

  /** A list where a list, a Set or a class of the user's with a `push` is declared. */
  #list(source: unknown[], type: AnyClass | undefined, { reflected }: FieldType): unknown {
    const list = this.#typed(source, type, false) as unknown[];
    return isOwnList(reflected) ? fill(createList(reflected), list) : list;
  }

  #discriminated(instance: Fields, type: FieldType, fields: Fields, value: unknown): unknown {
    if (!isContainer(value)) return this.#subtype(value, type, type.resolve(instance, fields));
    const list = createList(type.reflected);
    const parts = mapContainer(value, (part, i) =>
      at(i, () => this.#subtype(part, type, type.resolveElement(list, part))),
    );
    return Array.isArray(parts) ? fill(list, parts) : parts;
  }

  #subtype(value: unknown, type: FieldType, base: AnyClass | undefined): unknown {
    const { property, subTypes } = type.discriminator ?? NO_SUBTYPES;
    if (!isPlainObject(value)) return this.#subtypeInstance(value, base, subTypes);
    if (!hasOwn.call(value, property)) return this.#typed(value, base, false);
    const subtype = subTypes.find(({ name }) => name === value[property]);
    if (!type.keepsDiscriminator) delete value[property];
    return this.#typed(value, subtype?.value ?? base, false);
  }

  #subtypeInstance(
    value: unknown,
    base: AnyClass | undefined,
    subTypes: readonly { readonly value: AnyClass }[],
  ): unknown {
    const isSubtype = subTypes.some((it) => value instanceof it.value);
    return isSubtype ? value : this.#typed(value, base, false);
  }
}

/** Whether a value is one that the codec made already: the commonest case is told first. */
function isMade(value: unknown, { prototype }: AnyClass): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === prototype &&
    prototype !== Object.prototype &&
    !isContainer(value)
  );
}

const NO_SUBTYPES = { property: '', subTypes: [] };

/** Tells of the place, should the conversion be refused. */
function at<T>(index: number | string, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    throw Refusal.from(error).within(index);
  }
}
