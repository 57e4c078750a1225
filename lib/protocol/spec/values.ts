import fc from 'fast-check';

const FORBIDDEN = ['__proto__', 'constructor', 'prototype'];

const text = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000),
  fc.constantFrom(-1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649),
);

const scalar = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 4, arbitrary: number },
  fc.constantFrom<unknown>(null, undefined, true, false),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.uint8Array({ maxLength: 40 }),
  fc.date({ noInvalidDate: false }),
);

/** Every kind of value that a stream without a declared type may carry, but models. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      text.filter((key) => !FORBIDDEN.includes(key)),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((all) => new Map(all)),
    fc.array(tie('value'), { maxLength: 5 }).map((all) => new Set(all)),
  ),
})).value;
