import type { ValidationError, ValidatorOptions } from 'class-validator';
import { getMetadataStorage, validate, validateSync } from 'class-validator';
import { type ClassCheck, createClassCheck, Verdict } from './validation-check.js';

/** What is wrong with an instance; `undefined` when nothing is. */
export type Faults = ValidationError[] | undefined;

/**
 * Holds instances against their class-validator decorators. Each class is compiled when its first
 * instance comes, so its decorators must have run by then. What the compiled checks don't pass,
 * class-validator itself looks at, so that its answer is the one that counts.
 */
export class ModelValidators {
  readonly #checks = new Map<unknown, ClassCheck>();

  constructor(private readonly options: ValidatorOptions = {}) {}

  /**
   * Whether a class has rules at all. Instances of one without are never valid, unless the option
   * `forbidUnknownValues` is `false`.
   */
  hasRules(model: abstract new (...args: never[]) => unknown): boolean {
    const { always = false, strictGroups = false, groups } = this.options;
    return (
      getMetadataStorage().getTargetValidationMetadatas(model, '', always, strictGroups, groups)
        .length > 0
    );
  }

  /**
   * What is wrong with an instance, by the class it is of: at once where that can be told, and a
   * promise where class-validator must wait for it. It strips properties where `whitelist` asks
   * for that.
   *
   * @throws what the user's own validators throw.
   */
  validate(instance: object): Faults | Promise<Faults> {
    switch (this.#check(instance)) {
      case Verdict.valid:
        return undefined;
      case Verdict.invalid:
        return toFaults(validateSync(instance, this.options));
      default:
        return validate(instance, this.options).then(toFaults);
    }
  }

  #check = (instance: object): Verdict => {
    const model: unknown = instance.constructor;
    let check = this.#checks.get(model);
    if (check === undefined) {
      check = createClassCheck(model, this.options, this.#check);
      this.#checks.set(model, check);
    }
    return check(instance as Record<string, unknown>);
  };
}

function toFaults(errors: ValidationError[]): Faults {
  return errors.length === 0 ? undefined : errors;
}
