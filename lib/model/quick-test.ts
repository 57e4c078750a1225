/** Whether a value passes. */
export type Test = (value: unknown) => boolean;

type CreateTest = (constraint: unknown) => Test;

const isText = (value: unknown) => typeof value === 'string';
const isNumber = (value: unknown) => typeof value === 'number';

/**
 * class-validator's commonest constraints by name, in as little as tells that a value passes. The
 * lengths count a character as one that takes up to three code units.
 */
const TESTS: ReadonlyMap<string, CreateTest> = new Map<string, CreateTest>([
  ['isString', () => isText],
  ['isNumber', () => Number.isFinite],
  ['isInt', () => Number.isInteger],
  ['isBoolean', () => (value) => typeof value === 'boolean'],
  ['isDate', () => (value) => value instanceof Date && !Number.isNaN(value.getTime())],
  ['isArray', () => Array.isArray],
  ['isDefined', () => (value) => value !== undefined && value !== null],
  ['isNotEmpty', () => (value) => value !== '' && value !== null && value !== undefined],
  ['isPositive', () => (value) => isNumber(value) && (value as number) > 0],
  ['isNegative', () => (value) => isNumber(value) && (value as number) < 0],
  ['min', (least) => (value) => isNumber(value) && (value as number) >= Number(least)],
  ['max', (most) => (value) => isNumber(value) && (value as number) <= Number(most)],
  ['minLength', (least) => (value) => isText(value) && lengthOf(value) >= 3 * Number(least)],
  ['maxLength', (most) => (value) => isText(value) && lengthOf(value) <= Number(most)],
  ['arrayMinSize', (least) => (value) => Array.isArray(value) && value.length >= Number(least)],
  ['arrayMaxSize', (most) => (value) => Array.isArray(value) && value.length <= Number(most)],
  ['arrayNotEmpty', () => (value) => Array.isArray(value) && value.length > 0],
]);

function lengthOf(value: unknown): number {
  return (value as string).length;
}

/**
 * A test that passes only what a constraint passes, where there is one. A user may have given a
 * constraint of his own the same name, so it is tried with values: one that is stricter is found.
 */
export function quickTest(
  name: string,
  constraints: readonly unknown[] | undefined,
  validate: (value: unknown, instance: object) => unknown,
): Test | undefined {
  const test = TESTS.get(name)?.(constraints?.[0]);
  const isSound = (value: unknown) => !test?.(value) || validate(value, {}) === true;
  ...
}
