import { expect, it } from 'vitest';
import { FrameType } from '../frames.js';
import { type CodecPair, itemsOf } from './codec-pair.js';

class Unregistered {
  a = 1;
}

const cycle: unknown[] = [];
cycle.push({ cycle });

const thrower = {
  a: 1,
  get b(): never {
    throw new RangeError('from the getter');
  },
};

const refused: [what: string, value: unknown, message: RegExp][] = [
  ['a function', () => 1, /function/],
  ['a symbol', Symbol('s'), /symbol/],
  ['a function in an object', { a: [{ f() {} }] }, /function/],
  ['a value that contains itself', cycle, /too deep|itself/],
  [
    'an instance of a class that is not registered',
    [new Unregistered()],
    /Unregistered is not registered.*@Serializable\(\)/,
  ],
  ['a typed array other than bytes', { a: new Float64Array(2) }, /Float64Array/],
  ['a promise', Promise.resolve(1), /Promise/],
  ['a set that is too large', new Set(Array(16_385).keys()), /16384/],
  ['a map that is too large', new Map(Array(16_385).entries()), /16384/],
  ['a key that reaches the prototype', [JSON.parse('{"__proto__": {"polluted": 1}}')], /__proto__/],
  ['a field named constructor', { constructor: 1 }, /constructor/],
];

/** How every codec refuses what it can't carry. */
export function refusalContract(pair: () => CodecPair): void {
  it.each(refused)('refuses %s with a TypeError that tells what it was', (_, value, message) => {
    const { encoder } = pair();
    expect(() => encoder.item(1, value)).toThrow(TypeError);
    expect(() => encoder.item(1, value)).toThrow(message);
    expect(() => encoder.frame([FrameType.open, 1, 'a.b', [value], []])).toThrow(message);
  });

  it('adds nothing when the first item is refused', () => {
    const { encoder } = pair();
    expect(() => encoder.item(1, { big: 'x'.repeat(1000), f() {} })).toThrow(TypeError);
    expect([encoder.size, encoder.take()]).toEqual([0, undefined]);
  });

  it('takes an item of the stream whose first item was refused', () => {
    const both = pair();
    expect(() => both.encoder.item(1, [cycle])).toThrow(TypeError);
    both.encoder.item(1, 'a');
    expect(() => both.encoder.item(2, [cycle])).toThrow(TypeError);
    both.encoder.item(2, 'b');
    expect(itemsOf(both.pass())).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  it('keeps what was gathered before a refused item, and takes what follows', () => {
    const both = pair();
    both.encoder.item(1, 'a');
    expect(() => both.encoder.item(1, ['x'.repeat(1000), cycle])).toThrow(TypeError);
    both.encoder.item(1, 'b');
    expect(() => both.encoder.item(2, [cycle])).toThrow(TypeError);
    expect(() => both.encoder.frame([FrameType.open, 3, 'a.b', [cycle], []])).toThrow(TypeError);
    both.encoder.item(1, 'c');
    both.encoder.item(2, 'd');
    expect(itemsOf(both.pass())).toEqual([
      [1, 'a'],
      [1, 'b'],
      [1, 'c'],
      [2, 'd'],
    ]);
  });

  it('lets the error of a getter through, and takes the half-written item back', () => {
    const both = pair();
    both.encoder.item(1, 'a');
    expect(() => both.encoder.item(1, thrower)).toThrow('from the getter');
    expect(itemsOf(both.pass())).toEqual([[1, 'a']]);
  });
}
