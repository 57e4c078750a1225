import { type ValidatorOptions, validate } from 'class-validator';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { generateCode, neverGenerate } from './generated-code.js';
import { fillIn, propertyValues, validatedClasses } from './spec/validated-classes.js';
import { ModelValidators } from './validation.js';

/** Thousands of cases take a second, and longer where others use the machine. */
vi.setConfig({ testTimeout: 30_000 });

const options: fc.Arbitrary<ValidatorOptions> = fc.record(
  {
    whitelist: fc.boolean(),
    forbidNonWhitelisted: fc.boolean(),
    forbidUnknownValues: fc.boolean(),
    skipUndefinedProperties: fc.boolean(),
    skipNullProperties: fc.boolean(),
    skipMissingProperties: fc.boolean(),
    groups: fc.constantFrom([], ['staff'], ['public', 'other']),
    always: fc.boolean(),
    strictGroups: fc.boolean(),
    stopAtFirstError: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const cases = fc.tuple(
  validatedClasses,
  fc.oneof(fc.constant({}), options),
  fc.array(propertyValues, { minLength: 1, maxLength: 4 }),
);

it('finds what class-validator finds, and strips what it strips, by generated code and without', async () => {
  const check = async ([{ Own, parts }, chosen, all]: typeof cases extends fc.Arbitrary<infer T>
    ? T
    : never) => {
    for (const generate of [generateCode, neverGenerate]) {
      const validators = new ModelValidators(chosen, generate);
      for (const values of all) {
        const [mine, theirs] = [fillIn(Own, parts, values), fillIn(Own, parts, values)];
        const wanted = await validate(theirs, chosen);
        const found = await validators.validate(mine);
        expect(found ?? []).toStrictEqual(wanted);
        expect(mine).toStrictEqual(theirs);
      }
    }
  };
  await fc.assert(fc.asyncProperty(cases, check), { numRuns: 1000 });
});
