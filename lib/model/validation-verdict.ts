import type { Test } from './quick-test.js';
import { isMany } from './validation-pass.js';
import type { Condition, ConstraintRule, Properties, PropertyRules } from './validation-rules.js';

/** Whose answer counts for an instance that didn't pass; the higher one does. */
export const Verdict = {
  valid: 0,
  /** class-validator's synchronous answer is the whole one. */
  invalid: 1,
  /** Only class-validator's asynchronous answer is. */
  unknown: 2,
} as const;

export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Looks at all of an instance: after the first invalid property an unknown one may follow. */
export type Judge = (instance: Properties) => Verdict;
type ValueJudge = (value: unknown, instance: Properties) => Verdict;

/** Judges a property's value; `judgeNested` an instance in it. */
export function createPropertyJudge(
  { name, conditions, defined, custom, isNested, isPromise }: PropertyRules,
  isSkipped: Test,
  judgeNested: Judge,
): Judge {
  const always = worstOf(defined.map(createConstraintJudge));
  const nested = isNested ? [createNestedJudge(isSkipped, judgeNested)] : [];
  const rest = worstOf([...custom.map(createConstraintJudge), ...nested]);
  return (instance) => {
    const value = instance[name];
    if (isPromise && value instanceof Promise) return Verdict.unknown;
    if (!holdAll(conditions, instance, value)) return Verdict.valid;
    const verdict = always(value, instance);
    return isSkipped(value) ? verdict : worse(verdict, rest(value, instance));
  };
}

/** class-validator, too, asks all of them. */
function holdAll(conditions: readonly Condition[], instance: object, value: unknown): boolean {
  let holds = true;
  for (const condition of conditions) if (!condition(instance, value)) holds = false;
  return holds;
}

function createConstraintJudge({ validate, isEach, validateIf }: ConstraintRule): ValueJudge {
  const one: ValueJudge = (value, instance) =>
    validate === undefined ? Verdict.unknown : judgeResult(validate(value, instance));
  return (value, instance) => {
    if (validateIf && !validateIf(instance, value)) return Verdict.valid;
    if (!isEach || !isMany(value)) return one(value, instance);
    return worstOfParts(value, (part) => one(part, instance));
  };
}

/** A user's constraint that has the name of a built-in one may give a promise. */
function judgeResult(result: unknown): Verdict {
  if (result === true) return Verdict.valid;
  if (typeof result !== 'object' || result === null) return Verdict.invalid;
  Promise.resolve(result).catch(() => undefined);
  return Verdict.unknown;
}

function createNestedJudge(isSkipped: Test, judgeNested: Judge): ValueJudge {
  const judge = (value: unknown): Verdict => {
    if (value === undefined) return Verdict.valid;
    if (isMany(value)) {
      return worstOfParts(value, (part) => (isSkipped(part) ? Verdict.valid : judge(part)));
    }
    return value instanceof Object ? judgeNested(value as Properties) : Verdict.invalid;
  };
  return judge;
}

function worstOf(judges: readonly ValueJudge[]): ValueJudge {
  return (value, instance) => {
    let worst: Verdict = Verdict.valid;
    for (const judge of judges) worst = worse(worst, judge(value, instance));
    return worst;
  };
}

function worstOfParts(
  many: unknown[] | Set<unknown> | Map<unknown, unknown>,
  judge: (part: unknown) => Verdict,
): Verdict {
  let worst: Verdict = Verdict.valid;
  for (const part of many.values()) worst = worse(worst, judge(part));
  return worst;
}

export function worse(one: Verdict, other: Verdict): Verdict {
  return one > other ? one : other;
}
