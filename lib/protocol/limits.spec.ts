import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, resolveLimits } from './limits.js';

describe('resolveLimits', () => {
  it('fills in the defaults', () => {
    expect(resolveLimits()).toEqual(DEFAULT_LIMITS);
    expect(resolveLimits({ depth: 8 })).toEqual({ ...DEFAULT_LIMITS, depth: 8 });
  });

  it('takes what is undefined as not given', () => {
    const given = { depth: undefined } as unknown as { depth: number };
    expect(resolveLimits(given)).toEqual(DEFAULT_LIMITS);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '8', null])(
    'refuses %s with a sentence that names the limit',
    (value) => {
      const given = { windowItems: value as number };
      expect(() => resolveLimits(given)).toThrow(/limits\.windowItems must be a whole number/);
    },
  );

  it.each(['windowSize', 'toString', '__proto__'])('refuses the unknown limit %s', (name) => {
    const given = JSON.parse(`{"${name}": 1}`) as Record<string, number>;
    expect(() => resolveLimits(given)).toThrow(
      `limits.${name} is unknown: there are messageBytes, depth,`,
    );
  });
});
