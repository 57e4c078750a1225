import {
  Allow,
  ArrayMaxSize,
  ArrayMinSize,
  ArrayNotEmpty,
  Equals,
  IsArray,
  IsBoolean,
  IsDate,
  IsDefined,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsPositive,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  registerDecorator,
  Validate,
  ValidateIf,
  ValidateNested,
  type ValidationOptions,
  ValidatorConstraint,
} from 'class-validator';
import fc from 'fast-check';
import type { Model } from './generated-classes.js';

@ValidatorConstraint({ name: 'likesStrings' })
class LikesStrings {
  validate(value: unknown): boolean {
    return typeof value === 'string';
  }
}

function IsLater(options?: ValidationOptions): PropertyDecorator {
  const validate = (value: unknown) => Promise.resolve(value !== 7);
  return (target, property) =>
    registerDecorator({
      name: 'isLater',
      async: true,
      target: target.constructor,
      propertyName: String(property),
      validator: { validate },
      ...(options && { options }),
    });
}

/** An own constraint under the name of a built-in one, which keeps its promise to itself. */
function IsInOther(options?: ValidationOptions): PropertyDecorator {
  const validate = (value: unknown) => Promise.resolve(value === 'text') as never;
  return (target, property) =>
    registerDecorator({
      name: 'isIn',
      target: target.constructor,
      propertyName: String(property),
      validator: { validate },
      ...(options && { options }),
    });
}

const RULES: readonly ((options: ValidationOptions) => PropertyDecorator)[] = [
  (it) => IsString(it),
  (it) => IsString(it),
  (it) => IsInt(it),
  (it) => IsNumber({ allowNaN: true }, it),
  (it) => IsBoolean(it),
  (it) => IsDate(it),
  (it) => IsArray(it),
  (it) => IsIn(['text', 7, null], it),
  (it) => IsEnum({ A: 'text', B: 0 }, it),
  (it) => IsEmail({}, it),
  (it) => IsNotEmpty(it),
  (it) => IsPositive(it),
  (it) => IsDefined(it),
  (it) => Min(0, it),
  (it) => Max(5, it),
  (it) => Length(1, 4, it),
  (it) => MaxLength(3, it),
  (it) => Matches(/^[a-z]+$/, it),
  (it) => Equals(7, it),
  (it) => ArrayMinSize(1, it),
  (it) => ArrayMaxSize(1, it),
  (it) => ArrayNotEmpty(it),
  (it) => IsOptional(it),
  (it) => IsOptional(it),
  (it) => ValidateIf((object: Record<string, unknown>) => object['a'] !== 7, it),
  (it) => Allow(it),
  (it) => ValidateNested(it),
  (it) => ValidateNested(it),
  (it) => Validate(LikesStrings, it),
  IsLater,
  IsInOther,
];

const options: fc.Arbitrary<ValidationOptions> = fc.record(
  {
    each: fc.boolean(),
    groups: fc.constantFrom<string[]>(['staff'], ['staff', 'public']),
    always: fc.boolean(),
    validateIf: fc.constant((object: unknown) => Object.keys(object ?? {}).length > 1),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const rule: fc.Arbitrary<[number, ValidationOptions]> = fc.tuple(
  fc.nat(RULES.length - 1),
  fc.oneof(fc.constant({}), options),
);

const properties = fc.dictionary(
  fc.constantFrom('a', 'b', 'c'),
  fc.array(rule, { minLength: 1, maxLength: 3 }),
  { maxKeys: 3 },
);

/** A class that extends the one, and is to contain instances of the one and the other. */
export const validatedClasses = fc
  .tuple(properties, properties, properties, fc.boolean())
  .map(([base, child, own, inherits]) => {
    const Base = decorate(class {} as Model, base);
    const Child = decorate(class {} as Model, child);
    const Own = decorate(inherits ? class extends Base {} : (class {} as Model), own);
    return { Own, parts: [Base, Child, class {} as Model] };
  });

function decorate(
  model: Model,
  rules: Readonly<Record<string, readonly [number, ValidationOptions][]>>,
): Model {
  for (const [key, all] of Object.entries(rules)) {
    for (const [index, it] of all) RULES[index]?.(it)(model.prototype as object, key);
  }
  return model;
}

const simple = fc.constantFrom<unknown[]>(
  'text',
  'a@b.cd',
  '',
  7,
  0,
  -1.5,
  true,
  null,
  undefined,
  new Date(0),
);

/** A value for a property, with the places of instances still open. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { weight: 6, arbitrary: simple },
    { weight: 1, arbitrary: fc.array(tie('any'), { maxLength: 2 }) },
    { weight: 1, arbitrary: fc.array(tie('any'), { maxLength: 2 }).map((it) => new Set(it)) },
    { weight: 1, arbitrary: tie('any').map((it) => new Map([['key', it]])) },
    { weight: 2, arbitrary: fc.record({ part: fc.nat(2), a: tie('any'), b: simple }) },
  ),
})).any;

export const propertyValues = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'extra'), value);

/** An instance with fresh instances in the open places. */
export function fillIn(model: Model, parts: readonly Model[], values: object): object {
  const fill = (it: unknown): unknown => {
    if (typeof it !== 'object' || it === null || it instanceof Date) return it;
    if (Array.isArray(it)) return it.map(fill);
    if (it instanceof Set) return new Set([...it].map(fill));
    if (it instanceof Map) return new Map([...it].map(([key, part]) => [key, fill(part)]));
    const { part, ...rest } = it as { part: number };
    return fillIn(parts[part] as Model, parts, rest);
  };
  const filled = Object.entries(values).map(([key, it]) => [key, fill(it)]);
  return Object.assign(new model(), Object.fromEntries(filled));
}
