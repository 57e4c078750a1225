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
  ['isNumber', (options) => (isBare(options) ? Number.isFinite : () => false)],
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

/** An option may ask for more than a finite number. */
function isBare(options: unknown): boolean {
  return (options as { maxDecimalPlaces?: unknown } | undefined)?.maxDecimalPlaces === undefined;
}

type Validate = (value: unknown, instance: object) => unknown;

/**
 * A test that passes only what a constraint passes, where there is one. A user may have given a
 * constraint of his own the same name, so both are tried with values: a stricter one is found out.
 */
export function quickTest(
  name: string,
  constraints: readonly unknown[] | undefined,
  validate: Validate,
): Test | undefined {
  const test = TESTS.get(name)?.(constraints?.[0]);
  if (test === undefined) return undefined;
  return samplesOf(constraints?.[0]).every((it) => !test(it) || passes(validate, it))
    ? test
    : undefined;
}

function passes(validate: Validate, value: unknown): boolean {
  try {
    const result = validate(value, {});
    if (result instanceof Promise) result.catch(() => undefined);
    return result === true;
  } catch {
    return false;
  }
}

const SAMPLES: readonly unknown[] = [
  ...[null, undefined, true, false, 0, -0, 1, 1.5, -2, 0.123456789, 2 ** 53, 10n],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...['', ' ', 'a', 'A b', '7', 'text', 'Wörter', 'a@b.cd', '\n', '<b>', {}, () => 1],
  ...[new Date(0), new Date(Number.NaN), [], ['a'], ['a', 'a'], [1, null], [[]], [{}]],
];

function samplesOf(constraint: unknown): readonly unknown[] {
  if (typeof constraint !== 'number') return SAMPLES;
  const sizes = [constraint - 1, constraint, constraint + 1, constraint * 3];
  return [...SAMPLES, ...sizes, ...sizes.filter(isSmall).flatMap(ofSize)];
}

function isSmall(size: number): boolean {
  return Number.isInteger(size) && size >= 0 && size <= 1000;
}

function ofSize(size: number): unknown[] {
  const texts = ['x', ' ', '\u{1f600}', 'x\ufe0f', '\u{1f600}\ufe0f'].map((it) => it.repeat(size));
  return [...texts, Array.from({ length: size }, (_, i) => i)];
}
