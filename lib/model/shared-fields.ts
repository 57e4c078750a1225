import type { AnyClass, ClassRules, FieldRule, Fields, FieldType } from './class-rules.js';
import type { MetadataReader } from './metadata-reader.js';
import type { RegisteredModels } from './model-compiler.js';

const isOwn = Object.prototype.propertyIsEnumerable;

/**
 * Knows of which instances what crosses the wire follows from their own data alone, so that one that
 * was not changed needs not be converted again. Where it isn't sure, it says no.
 */
export class SharedFields {
  constructor(
    private readonly reader: MetadataReader,
    private readonly models: RegisteredModels,
  ) {}

  /** The function that tells it of the instances of a class. */
  compile(model: AnyClass): (instance: object) => boolean {
    let rules: ClassRules | undefined;
    let isFixed: boolean | undefined;
    return (instance) => {
      rules ??= this.reader.rulesOf(model);
      isFixed ??= [...rules.known.values()].every(isFixedRule);
      return isFixed && this.#isDataOnly(rules, instance as Fields);
    };
  }

  #isDataOnly({ exposed, known }: ClassRules, instance: Fields): boolean {
    // What is exposed and not the instance's own is a getter's.
    if (!exposed.every(({ key }) => isOwn.call(instance, key))) return false;
    for (const { key, type, isHidden } of known.values()) {
      if (type === undefined || isHidden || !isOwn.call(instance, key)) continue;
      const declared = type.resolve(undefined, instance);
      if (declared !== undefined && !this.#isCarried(instance[key], declared)) return false;
    }
    return true;
  }

  /** Whether a declared value is carried as it is, or is a primitive. */
  #isCarried(value: unknown, declared: AnyClass): boolean {
    if (typeof value !== 'object' || value === null || value instanceof Date) return true;
    if (Array.isArray(value)) return value.every((part) => this.#isCarried(part, declared));
    return value instanceof declared && this.models.isRegistered(value);
  }
}

/** Whether a rule runs none of the user's functions, but for one that always names the same class. */
function isFixedRule({ isHidden, transforms, type }: FieldRule): boolean {
  return isHidden || (transforms.length === 0 && (type === undefined || isConstant(type)));
}

function isConstant({ discriminator, looksAtObject }: FieldType): boolean {
  return discriminator === undefined && !looksAtObject;
}
