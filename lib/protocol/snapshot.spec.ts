import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeSnapshot } from './snapshot.js';
import { CodecPair } from './spec/codec-pair.js';
import { Point, TestModels } from './spec/test-models.js';
import type { CodecName } from './version.js';

const models = new TestModels(1).add(Point);

/** Few leaves and keys, so that two values are often the same, or nearly. */
const leaf = fc.constantFrom<unknown>(
  0,
  -0,
  1,
  Number.NaN,
  '',
  '0',
  'a',
  true,
  null,
  undefined,
  1n,
);

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    fc.constantFrom(0, 1, Number.NaN).map((time) => new Date(time)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('x', 'y', 'z'), tie('value'), { maxKeys: 3 }),
    fc.tuple(tie('value'), tie('value')).map(([x, y]) => Point.at(x, y)),
  ),
})).value;
const item = fc.oneof(
  fc.tuple(leaf, value).map(([x, y]) => ({ x, y })),
  fc.tuple(value, leaf).map(([x, y]) => Point.at(x, y)),
  fc.array(value, { minLength: 1, maxLength: 3 }),
);

const path = fc.array(fc.nat(3), { minLength: 1, maxLength: 3 });

/** Puts a value, or moves one, somewhere inside of another. */
function replaceIn(
  target: Record<string, unknown>,
  [place = 0, ...deeper]: readonly number[],
  value: unknown,
): void {
  const keys = Object.keys(target);
  const key = keys[place % keys.length];
  if (key === undefined) return;
  const inner = target[key];
  if (deeper.length > 0 && typeof inner === 'object' && inner !== null) {
    return replaceIn(inner as Record<string, unknown>, deeper, value);
  }
  if (place === keys.length && !Array.isArray(target)) delete target[key];
  target[key] = place === keys.length ? inner : value;
}

const encoded = (codec: CodecName, of: object) => {
  const { encoder } = new CodecPair({ codec, sender: models });
  encoder.item(1, of);
  return Buffer.from(encoder.take() as Uint8Array).toString('base64');
};

describe('a snapshot', () => {
  it('takes no value for the one it was made of that would be encoded otherwise', () => {
    let same = 0;
    fc.assert(
      fc.property(fc.clone(item, 2), path, leaf, ([one, other], places, value) => {
        replaceIn(other as Record<string, unknown>, places, value);
        if (takeSnapshot(one, models)?.isOf(other) !== true) return;
        same++;
        for (const codec of ['json', 'msgpack'] as const) {
          expect(encoded(codec, other)).toBe(encoded(codec, one));
        }
      }),
      { numRuns: 3000 },
    );
    expect(same).toBeGreaterThan(100);
  });

  it('knows a value again that was not changed, and one that is like it', () => {
    fc.assert(
      fc.property(fc.clone(item, 2), ([one, other]) => {
        const snapshot = takeSnapshot(one, models);
        expect(snapshot?.isOf(one)).toBe(true);
        expect(snapshot?.isOf(other)).toBe(true);
      }),
    );
  });

  it.each<[change: string, change: (point: Record<string, unknown>) => void]>([
    ['a field', (it) => Object.assign(it, { x: 2 })],
    ['a field that is added', (it) => Object.assign(it, { z: 1 })],
    ['a field that is gone', (it) => delete it['y']],
    ['the last field that is gone', (it) => delete it['when']],
    ['a field of another name', (it) => Object.assign(it, { z: it['y'] }, delete it['y'] && {})],
    [
      'the order of the fields',
      (it) => Object.assign(it, { x: it['x'] }, delete it['x'] && { x: 1 }),
    ],
    ['the sign of a zero', (it) => Object.assign(it['list'] as object, { 0: -0 })],
    ['a list that is longer', (it) => (it['list'] as unknown[]).push(1)],
    ['a list that is shorter', (it) => (it['list'] as unknown[]).pop()],
    ['a date', (it) => (it['when'] as Date).setTime(2)],
    ['the class', (it) => Object.setPrototypeOf(it, Object.prototype)],
    ['an object where a text was', (it) => Object.assign(it, { y: new String('a') })],
  ])('sees %s', (_, change) => {
    const point = Object.assign(Point.at(1, 'a'), { list: [0], when: new Date(1) });
    const snapshot = takeSnapshot(point, models);
    expect(snapshot?.isOf(point)).toBe(true);
    change(point as unknown as Record<string, unknown>);
    expect(snapshot?.isOf(point)).toBe(false);
  });

  it.each<[what: string, item: object]>([
    ['a map', { a: new Map() }],
    ['a set', { a: [new Set()] }],
    ['bytes', { a: new Uint8Array(1) }],
    [
      'a getter',
      {
        get a() {
          return 1;
        },
      },
    ],
    ['a function', { a: () => 1 }],
    ['an instance of a class that is not registered', { a: new (class {})() }],
    ['a kind of date', { a: new (class extends Date {})() }],
    ['a kind of list', { a: new (class extends Array {})() }],
    ['inherited fields', Object.setPrototypeOf({}, Object.setPrototypeOf({ a: 1 }, null))],
    ['itself', cyclic()],
  ])('is not taken of a value with %s', (_, item) => {
    expect(takeSnapshot(item, models)).toBe(undefined);
  });
});

function cyclic(): object {
  const item: Record<string, unknown> = {};
  item['self'] = item;
  return item;
}
