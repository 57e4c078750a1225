import * as classValidator from 'class-validator';
import { getMetadataStorage, type ValidatorOptions } from 'class-validator';
import { quickTest, type Test } from './quick-test.js';

type Metadata = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

export type Properties = Record<string, unknown>;

/** Asked with an instance and its property's value, by `@IsOptional()` or the user. */
export type Condition = (instance: object, value: unknown) => unknown;

/** One decorator that tests a value. */
export interface ConstraintRule {
  /** Calls the constraint; `undefined` for one that may be asynchronous, or have side effects. */
  readonly validate: ((value: unknown, instance: object) => unknown) | undefined;
  /** Passes only what the constraint passes, though perhaps not all of it. */
  readonly quick: Test | undefined;
  readonly isEach: boolean;
  readonly validateIf: Condition | undefined;
}

/** What the decorators say of a property. */
export interface PropertyRules {
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly defined: readonly ConstraintRule[];
  readonly custom: readonly ConstraintRule[];
  readonly isNested: boolean;
  readonly isPromise: boolean;
}

/** What the decorators say of a class, in the groups that the options choose. */
export function readRules(
  model: abstract new (...args: never[]) => unknown,
  { always = false, strictGroups = false, groups }: ValidatorOptions,
): PropertyRules[] {
  const storage = getMetadataStorage();
  const all = storage.getTargetValidationMetadatas(model, '', always, strictGroups, groups);
  return Object.entries(storage.groupByPropertyName(all)).map(toPropertyRules);
}

function toPropertyRules([name, metadatas]: [string, Metadata[]]): PropertyRules {
  const types = classValidator.ValidationTypes;
  const ofType = (type: string) => metadatas.filter((it) => it.type === type);
  return {
    name,
    conditions: ofType(types.CONDITIONAL_VALIDATION).map((it) => it.constraints[0] as Condition),
    defined: ofType(types.IS_DEFINED).flatMap(toConstraintRules),
    custom: ofType(types.CUSTOM_VALIDATION).flatMap(toConstraintRules),
    isNested: ofType(types.NESTED_VALIDATION).length > 0,
    isPromise: ofType(types.PROMISE_VALIDATION).length > 0,
  };
}

/** class-validator's own constraints: none of them is asynchronous or has side effects. */
const BUILT_IN: ReadonlySet<unknown> = new Set(
  Object.values(classValidator).filter((it) => typeof it === 'string'),
);

function toConstraintRules(metadata: Metadata): ConstraintRule[] {
  const { each, validateIf, constraintCls } = metadata;
  const found = getMetadataStorage().getTargetValidatorConstraints(constraintCls);
  return found.map(({ name, async, instance }) => {
    const isKnown = BUILT_IN.has(name) && !async;
    const validate = isKnown ? callOf(instance, metadata) : undefined;
    const quick = validate && quickTest(name, metadata.constraints, validate);
    return { validate, quick, isEach: each, validateIf };
  });
}

function callOf(
  validator: classValidator.ValidatorConstraintInterface,
  { propertyName, constraints }: Metadata,
) {
  return (value: unknown, object: object): unknown => {
    const targetName = object.constructor.name;
    const args = { targetName, property: propertyName, object, value, constraints };
    return validator.validate(value, args);
  };
}
