import {
  type ValidationError,
  type ValidatorOptions,
  validate,
  validateSync,
} from 'class-validator';
import { type Generate, generateCode, generatePass } from './generated-code.js';
import { createPass, createPropertyPass, type Pass } from './validation-pass.js';
import {
  type ConstraintRule,
  type Properties,
  type PropertyRules,
  readRules,
} from './validation-rules.js';
import { createPropertyJudge, type Judge, Verdict, worse } from './validation-verdict.js';

export type { ValidatorOptions } from 'class-validator';

/** What is wrong with an instance; `undefined` when nothing is. */
export type Faults = ValidationError[] | undefined;

interface ClassCheck {
  readonly pass: Pass;
  readonly judge: Judge;
}

type AnyClass = abstract new (...args: never[]) => unknown;

/**
 * Holds instances against their class-validator decorators. Each class is compiled when its first
 * instance comes, so its decorators must have run by then. What the compiled checks don't pass,
 * class-validator itself looks at, so its answer is the one that counts.
 */
export class ModelValidators {
  readonly #checks = new Map<unknown, ClassCheck>();
  readonly #options: ValidatorOptions;
  readonly #generate: Generate;
  #lastModel: unknown;
  #lastCheck: ClassCheck | undefined;

  constructor(options: ValidatorOptions = {}, generate: Generate = generateCode) {
    this.#options = options;
    this.#generate = generate;
  }

  /**
   * Whether a class has rules at all. Instances of one without are never valid, unless the option
   * `forbidUnknownValues` is `false`.
   */
  hasRules(model: AnyClass): boolean {
    return readRules(model, this.#options).length > 0;
  }

  /** Whether `validate` may give a promise for instances of a class. */
  mayWait(model: AnyClass): boolean {
    const isSlow = ({ validate: call }: ConstraintRule): boolean => call === undefined;
    return readRules(model, this.#options).some(
      ({ custom, defined, isPromise }) => isPromise || [...custom, ...defined].some(isSlow),
    );
  }

  /**
   * What is wrong with an instance, by the class it is of: at once where that can be told, a
   * promise where class-validator must wait. It strips properties where `whitelist` asks for that.
   *
   * @throws what the user's own validators throw.
   */
  validate(instance: object): Faults | Promise<Faults> {
    const check = this.#checkOf(instance);
    if (check.pass(instance as Properties)) return undefined;
    if (check.judge(instance as Properties) !== Verdict.unknown) {
      return toFaults(validateSync(instance, this.#options));
    }
    return validate(instance, this.#options).then(toFaults);
  }

  /** Most instances that come one after the other are of one class. */
  #checkOf(instance: object): ClassCheck {
    const model: unknown = instance.constructor;
    if (this.#lastCheck === undefined || model !== this.#lastModel) {
      this.#lastCheck = this.#checks.get(model) ?? this.#compile(model);
      this.#lastModel = model;
    }
    return this.#lastCheck;
  }

  #compile(model: unknown): ClassCheck {
    const check = typeof model === 'function' ? this.#compileClass(model as AnyClass) : REFUSED;
    this.#checks.set(model, check);
    return check;
  }

  #compileClass(model: AnyClass): ClassCheck {
    const rules = readRules(model, this.#options);
    const { forbidUnknownValues, whitelist } = this.#options;
    if (rules.length === 0 && forbidUnknownValues !== false) return REFUSED;
    const check = { pass: this.#createPass(rules), judge: this.#createJudge(rules) };
    return whitelist ? this.#withKnownKeys(rules, check) : check;
  }

  #createPass(rules: readonly PropertyRules[]): Pass {
    const nested: Pass = (instance) => this.#checkOf(instance).pass(instance);
    const properties = rules.map((it) => createPropertyPass(it, this.#isSkipped, nested));
    return generatePass(this.#generate, properties) ?? createPass(properties);
  }

  #createJudge(rules: readonly PropertyRules[]): Judge {
    const nested: Judge = (instance) => this.#checkOf(instance).judge(instance);
    const judges = rules.map((it) => createPropertyJudge(it, this.#isSkipped, nested));
    return (instance) => {
      let worst: Verdict = Verdict.valid;
      for (const judge of judges) worst = worse(worst, judge(instance));
      return worst;
    };
  }

  #isSkipped = (value: unknown): boolean => {
    if (value !== undefined && value !== null) return false;
    const { skipUndefinedProperties, skipNullProperties, skipMissingProperties } = this.#options;
    const skips = value === null ? skipNullProperties : skipUndefinedProperties;
    return skips === true || skipMissingProperties === true;
  };

  #withKnownKeys(rules: readonly PropertyRules[], check: ClassCheck): ClassCheck {
    const known = new Set(rules.map(({ name }) => name));
    return {
      pass: (instance) => this.#hasOnly(known, instance) && check.pass(instance),
      judge: (instance) => {
        const keys = this.#hasOnly(known, instance) ? Verdict.valid : Verdict.invalid;
        return worse(keys, check.judge(instance));
      },
    };
  }

  /** With `stopAtFirstError` not every instance is looked at, so class-validator strips them. */
  #hasOnly(known: ReadonlySet<string>, instance: Properties): boolean {
    const { forbidNonWhitelisted, stopAtFirstError } = this.#options;
    for (const key of Object.keys(instance)) {
      if (known.has(key)) continue;
      if (forbidNonWhitelisted || stopAtFirstError) return false;
      delete instance[key];
    }
    return true;
  }
}

/** What class-validator knows nothing of is never taken for valid. */
const REFUSED: ClassCheck = { pass: () => false, judge: () => Verdict.invalid };

function toFaults(errors: ValidationError[]): Faults {
  return errors.length === 0 ? undefined : errors;
}
