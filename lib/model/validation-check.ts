import type { ValidatorOptions } from 'class-validator';
import * as classValidator from 'class-validator';
import { getMetadataStorage, ValidationTypes } from 'class-validator';

/** What a compiled check finds; the higher one counts. */
export const Verdict = {
  valid: 0,
  /** class-validator's synchronous answer is the whole one. */
  invalid: 1,
  /** Only class-validator's asynchronous answer is. */
  unknown: 2,
} as const;

export type Verdict = (typeof Verdict)[keyof typeof Verdict];

type Properties = Record<string, unknown>;
type Metadata = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

/** Looks at an instance. It strips what the option `whitelist` forbids, as class-validator does. */
export type ClassCheck = (instance: Properties) => Verdict;
type PropertyCheck = ClassCheck;
type ValueCheck = (value: unknown, instance: Properties) => Verdict;

/** class-validator's own constraints: none of them is asynchronous or has side effects. */
const BUILT_IN: ReadonlySet<unknown> = new Set(
  Object.values(classValidator).filter((it) => typeof it === 'string'),
);

/** The check of a class; `checkNested` finds that of an instance in a property. */
export function createClassCheck(
  model: unknown,
  options: ValidatorOptions,
  checkNested: (instance: object) => Verdict,
): ClassCheck {
  if (typeof model !== 'function') return () => Verdict.invalid;
  const { always = false, strictGroups = false, groups } = options;
  const storage = getMetadataStorage();
  const all = storage.getTargetValidationMetadatas(model, '', always, strictGroups, groups);
  if (all.length === 0 && options.forbidUnknownValues !== false) return () => Verdict.invalid;
  const properties = Object.entries(storage.groupByPropertyName(all)).map(([name, metadatas]) =>
    createPropertyCheck(name, metadatas, options, checkNested),
  );
  const check = allOf(properties);
  return options.whitelist ? checkKeys(new Set(all.map(toProperty)), options, check) : check;
}

function toProperty({ propertyName }: Metadata): string {
  return propertyName;
}

/** Goes on after the first invalid one, because an unknown one may follow. */
function allOf(checks: readonly ClassCheck[]): ClassCheck {
  return (instance) => {
    let worst: Verdict = Verdict.valid;
    for (const check of checks) {
      const verdict = check(instance);
      if (verdict > worst) worst = verdict;
    }
    return worst;
  };
}

/** With `stopAtFirstError` not every instance is looked at, so class-validator strips them itself. */
function checkKeys(
  known: ReadonlySet<string>,
  { forbidNonWhitelisted, stopAtFirstError }: ValidatorOptions,
  check: ClassCheck,
): ClassCheck {
  const strips = !forbidNonWhitelisted && !stopAtFirstError;
  return (instance) => {
    const strange = Object.keys(instance).filter((key) => !known.has(key));
    if (strips) for (const key of strange) delete instance[key];
    const isRefused = !strips && strange.length > 0;
    return worse(isRefused ? Verdict.invalid : Verdict.valid, check(instance));
  };
}

function createPropertyCheck(
  name: string,
  metadatas: readonly Metadata[],
  options: ValidatorOptions,
  checkNested: (instance: object) => Verdict,
): PropertyCheck {
  const ofType = (type: string) => metadatas.filter((it) => it.type === type);
  const conditions = ofType(ValidationTypes.CONDITIONAL_VALIDATION);
  const defined = ofType(ValidationTypes.IS_DEFINED).map(createConstraintCheck);
  const custom = ofType(ValidationTypes.CUSTOM_VALIDATION).map(createConstraintCheck);
  const isNested = ofType(ValidationTypes.NESTED_VALIDATION).length > 0;
  const isPromise = ofType(ValidationTypes.PROMISE_VALIDATION).length > 0;
  const isSkipped = createSkip(options);
  const nested = isNested ? [createNestedCheck(isSkipped, checkNested)] : [];
  const rest = [...custom, ...nested];
  return (instance) => {
    const value = instance[name];
    if (isPromise && value instanceof Promise) return Verdict.unknown;
    if (!holdAll(conditions, instance, value)) return Verdict.valid;
    const verdict = checkAll(defined, value, instance);
    if (isSkipped(value)) return verdict;
    return worse(verdict, checkAll(rest, value, instance));
  };
}

/** `@IsOptional()` and `@ValidateIf()`; class-validator, too, asks all of them. */
function holdAll(conditions: readonly Metadata[], instance: Properties, value: unknown): boolean {
  let holds = true;
  for (const { constraints } of conditions) if (!constraints[0](instance, value)) holds = false;
  return holds;
}

function checkAll(checks: readonly ValueCheck[], value: unknown, instance: Properties): Verdict {
  let worst: Verdict = Verdict.valid;
  for (const check of checks) {
    const verdict = check(value, instance);
    if (verdict > worst) worst = verdict;
  }
  return worst;
}

function worse(one: Verdict, other: Verdict): Verdict {
  return one > other ? one : other;
}

function createSkip(options: ValidatorOptions): (value: unknown) => boolean {
  const { skipUndefinedProperties, skipNullProperties, skipMissingProperties } = options;
  const skipsUndefined = skipUndefinedProperties === true || skipMissingProperties === true;
  const skipsNull = skipNullProperties === true || skipMissingProperties === true;
  return (value) => (value === undefined && skipsUndefined) || (value === null && skipsNull);
}

/** Of one decorator. A user's own constraint may be asynchronous: that is not tried out. */
function createConstraintCheck(metadata: Metadata): ValueCheck {
  const constraints = getMetadataStorage().getTargetValidatorConstraints(metadata.constraintCls);
  const isKnown = constraints.every(({ name, async }) => BUILT_IN.has(name) && !async);
  const validators = isKnown ? constraints.map(({ instance }) => instance) : [];
  const checkOne = createValueCheck(metadata, validators);
  const check = metadata.each ? each(checkOne) : checkOne;
  const { validateIf } = metadata;
  return (value, instance) => {
    if (validateIf && !validateIf(instance, value)) return Verdict.valid;
    return isKnown ? check(value, instance) : Verdict.unknown;
  };
}

function createValueCheck(
  { propertyName, constraints }: Metadata,
  validators: readonly classValidator.ValidatorConstraintInterface[],
): ValueCheck {
  return (value, object) => {
    const targetName = object.constructor.name;
    const args = { targetName, property: propertyName, object, value, constraints };
    for (const validator of validators) {
      const result: unknown = validator.validate(value, args);
      if (result !== true) return judge(result);
    }
    return Verdict.valid;
  };
}

/** A user's constraint that has the name of a built-in one may give anything. */
function judge(result: unknown): Verdict {
  if (typeof result !== 'object' || result === null) return Verdict.invalid;
  Promise.resolve(result).catch(() => undefined);
  return Verdict.unknown;
}

function each(check: ValueCheck): ValueCheck {
  return (value, instance) => {
    if (!isMany(value)) return check(value, instance);
    for (const part of value.values()) {
      const verdict = check(part, instance);
      if (verdict !== Verdict.valid) return verdict;
    }
    return Verdict.valid;
  };
}

function createNestedCheck(
  isSkipped: (value: unknown) => boolean,
  checkNested: (instance: object) => Verdict,
): ValueCheck {
  const check = (value: unknown): Verdict => {
    if (value === undefined) return Verdict.valid;
    if (!isMany(value)) return value instanceof Object ? checkNested(value) : Verdict.invalid;
    let worst: Verdict = Verdict.valid;
    for (const part of value.values()) {
      const verdict = isSkipped(part) ? Verdict.valid : check(part);
      if (verdict > worst) worst = verdict;
    }
    return worst;
  };
  return check;
}

function isMany(value: unknown): value is unknown[] | Set<unknown> | Map<unknown, unknown> {
  return Array.isArray(value) || value instanceof Set || value instanceof Map;
}
