import type { Test } from './quick-test.js';
import type { Condition, ConstraintRule, Properties, PropertyRules } from './validation-rules.js';

/** Whether an instance has nothing wrong, as far as that can be told at once. */
export type Pass = (instance: Properties) => boolean;
type ValuePass = (value: unknown, instance: Properties) => boolean;

/** How one property passes: by its quick test, or where that says no, by the whole one. */
export interface PropertyPass {
  readonly name: string;
  readonly quick: Test;
  readonly pass: ValuePass;
}

/** Passes a property's value; `passNested` an instance in it. */
export function createPropertyPass(
  { name, conditions, defined, custom, isNested, isPromise }: PropertyRules,
  isSkipped: Test,
  passNested: Pass,
): PropertyPass {
  if (isPromise) return { name, quick: NEVER, pass: NEVER };
  const always = defined.map(createConstraintPass);
  const nested = isNested ? [createNestedPass(isSkipped, passNested)] : [];
  const rest = all([...custom.map(createConstraintPass), ...nested]);
  if (conditions.length + always.length > 0) {
    const pass = createConditionalPass(conditions, all(always), isSkipped, rest);
    return { name, quick: NEVER, pass };
  }
  const quick = isNested ? NEVER : quickTestOf(custom);
  return { name, quick, pass: (value, instance) => rest(value, instance) || isSkipped(value) };
}

/** Passes an instance whose properties all pass, in their order. */
export function createPass(properties: readonly PropertyPass[]): Pass {
  return (instance) => {
    for (const { name, quick, pass } of properties) {
      const value = instance[name];
      if (!quick(value) && !pass(value, instance)) return false;
    }
    return true;
  };
}

const NEVER: Test = () => false;

/** One call for a property that only has constraints with a quick test: nearly all have. */
function quickTestOf(rules: readonly ConstraintRule[]): Test {
  const tests = rules.map(({ quick, isEach, validateIf }) =>
    isEach || validateIf !== undefined ? undefined : quick,
  );
  const [first, second, ...others] = tests;
  if (first === undefined || others.length > 0) return NEVER;
  if (tests.length === 1) return first;
  return second === undefined ? NEVER : (value) => first(value) && second(value);
}

function createConditionalPass(
  conditions: readonly Condition[],
  always: ValuePass,
  isSkipped: Test,
  rest: ValuePass,
): ValuePass {
  return (value, instance) => {
    for (const condition of conditions) if (!condition(instance, value)) return true;
    return always(value, instance) && (isSkipped(value) || rest(value, instance));
  };
}

function all(passes: readonly ValuePass[]): ValuePass {
  const [first = () => true, second, ...others] = passes;
  if (second === undefined) return first;
  const rest = all([second, ...others]);
  return (value, instance) => first(value, instance) && rest(value, instance);
}

function createConstraintPass({ validate, quick, isEach, validateIf }: ConstraintRule): ValuePass {
  if (validate === undefined) return () => false;
  const check: ValuePass = (value, instance) => validate(value, instance) === true;
  const one: ValuePass = quick ? (value, it) => quick(value) || check(value, it) : check;
  const pass = isEach ? each(one) : one;
  return validateIf === undefined
    ? pass
    : (value, instance) => !validateIf(instance, value) || pass(value, instance);
}

function each(pass: ValuePass): ValuePass {
  return (value, instance) => {
    if (!isMany(value)) return pass(value, instance);
    for (const part of value.values()) if (!pass(part, instance)) return false;
    return true;
  };
}

function createNestedPass(isSkipped: Test, passNested: Pass): ValuePass {
  const pass: Test = (value) => {
    if (value === undefined) return true;
    if (Array.isArray(value)) return passList(value);
    if (!isMany(value)) return value instanceof Object && passNested(value as Properties);
    for (const part of value.values()) if (!isSkipped(part) && !pass(part)) return false;
    return true;
  };
  const passList = (list: readonly unknown[]): boolean => {
    for (const part of list) if (!isSkipped(part) && !pass(part)) return false;
    return true;
  };
  return pass;
}

export function isMany(value: unknown): value is unknown[] | Set<unknown> | Map<unknown, unknown> {
  return Array.isArray(value) || value instanceof Set || value instanceof Map;
}
