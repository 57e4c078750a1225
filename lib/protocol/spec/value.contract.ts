import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CodecPair } from './codec-pair.js';
import { anyValue } from './values.js';

const lengths = [0, 1, 15, 16, 31, 32, 33, 40, 41, 255, 256, 65_535, 65_536];

const numbers = [
  ...[0, -0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1],
  ...[-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53) + 1],
  ...[0.1, -0.5, 2 ** 53, 1e300, Number.MIN_VALUE, Number.NaN, Infinity, -Infinity],
];

const bigints = [
  ...[0n, 1n, -1n, 127n, 128n, -128n, -129n, 255n, 256n, 2n ** 63n, -(2n ** 63n), 2n ** 64n],
  ...[2n ** 64n - 1n, 123_456_789_012_345_678_901_234_567_890n, -(10n ** 60n), 2n ** 5000n],
];

const texts = [
  '\ufeffbyte order mark',
  'zwölf',
  '日本語のテキスト',
  '👩‍👩‍👧 and 𝒳',
  '\0\n"\\/',
  'é'.repeat(200),
];

/** How every codec carries each kind of value. */
export function valueContract(pair: () => CodecPair): void {
  it.each(numbers)('carries the number %s', (value) => {
    expect(pair().roundTrip(value)).toBe(value);
  });

  it.each(bigints)('carries the bigint %s', (value) => {
    expect(pair().roundTrip(value)).toBe(value);
  });

  it.each(texts)('carries the text %j', (value) => {
    expect(pair().roundTrip(value)).toBe(value);
  });

  it.each(lengths)('carries texts, bytes, lists and objects of length %i', (length) => {
    const list = Array.from({ length }, (_, i) => i);
    const object = Object.fromEntries(list.map((i) => [`k${i}`, i]));
    const all = { text: 'x'.repeat(length), bytes: Uint8Array.from(list), list, object };
    expect(pair().roundTrip(all)).toStrictEqual(all);
  });

  it('carries dates, also an invalid one and one before 1970', () => {
    const dates = [new Date(0), new Date(-1.5e12), new Date(8.64e15), new Date(Number.NaN)];
    expect(pair().roundTrip(dates)).toStrictEqual(dates);
  });

  it('carries undefined, also as a field and in a list', () => {
    expect(pair().roundTrip(undefined)).toBe(undefined);
    expect(pair().roundTrip({ a: undefined })).toStrictEqual({ a: undefined });
    expect(pair().roundTrip([1, undefined, 2])).toStrictEqual([1, undefined, 2]);
  });

  it('carries maps and sets of any values, in order', () => {
    const map = new Map<unknown, unknown>([
      [{ a: 1 }, [1n]],
      ['b', new Map([[1, new Set([2])]])],
    ]);
    const set = new Set([3, 'a', null, undefined, Number.NaN]);
    expect(pair().roundTrip([map, set])).toStrictEqual([map, set]);
    expect([...(pair().roundTrip(set) as Set<unknown>)]).toStrictEqual([...set]);
  });

  it('carries an object without a prototype as a plain one', () => {
    const value: unknown = Object.assign(Object.create(null), { a: 1 });
    expect(pair().roundTrip(value)).toStrictEqual({ a: 1 });
  });

  it('carries objects that look like the marks of a codec', () => {
    const value = [{ $: 'u' }, { $: 1, v: { $: 'd', v: 0 } }, { $: undefined, v: [] }, { '': 0 }];
    expect(pair().roundTrip(value)).toStrictEqual(value);
  });

  it('carries own enumerable fields only, without symbols', () => {
    const value = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 });
    expect(pair().roundTrip(value)).toStrictEqual({ a: 1 });
  });

  it('carries no field that every object inherits', () => {
    const prototype = Object.prototype as { inherited?: number };
    prototype.inherited = 1;
    try {
      const received = pair().roundTrip({ a: 1 }) as object;
      expect(Object.keys(received)).toEqual(['a']);
    } finally {
      delete prototype.inherited;
    }
  });

  it('gives bytes as a Uint8Array of their own, whatever view they were', () => {
    const sent = [Buffer.from('abc'), new Uint8Array([0, 97, 98, 99]).subarray(1)];
    for (const bytes of pair().roundTrip(sent) as Uint8Array[]) {
      expect(bytes.constructor).toBe(Uint8Array);
      expect(bytes.buffer.byteLength).toBe(3);
      expect([...bytes]).toEqual([97, 98, 99]);
    }
  });

  it('carries any value', () => {
    const both = pair();
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(both.roundTrip(value)).toStrictEqual(value);
      }),
    );
  });
}
