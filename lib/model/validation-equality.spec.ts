import { type ValidatorOptions, validate } from 'class-validator';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fillIn, propertyValues, validatedClasses } from './spec/validated-classes.js';
import { ModelValidators } from './validation.js';

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

it('finds what class-validator finds, and strips what it strips', async () => {
  const check = async ([{ Own, parts }, chosen, all]: typeof cases extends fc.Arbitrary<infer T>
    ? T
    : never) => {
    const validators = new ModelValidators(chosen);
    for (const values of all) {
      const [mine, theirs] = [fillIn(Own, parts, values), fillIn(Own, parts, values)];
      const wanted = await validate(theirs, chosen);
      const found = await validators.validate(mine);
      expect(found ?? []).toStrictEqual(wanted);
      expect(mine).toStrictEqual(theirs);
    }
  };
  await fc.assert(fc.asyncProperty(cases, check), { numRuns: 1000 });
});
