import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameType } from '../frames.js';
import { StreamError } from '../stream-error.js';
import type { CodecName } from '../version.js';
import { ProtocolViolation } from '../violation.js';
import { CodecPair, itemsOf } from './codec-pair.js';
import { Line, Point, TestModels } from './test-models.js';
import { anyValue } from './values.js';

/** What every codec must do with instances of registered classes. */
export function modelContract(codec: CodecName): void {
  const pair = () => new CodecPair({ codec });

  it('carries instances as instances, nested and in every container', () => {
    const line = Line.through(Point.at(1, 2), Point.at('x'.repeat(300), [Point.at(3, 4)]));
    const value = { line, all: [line], map: new Map([[1, line]]), set: new Set([line]) };
    const received = pair().roundTrip(value);
    expect(received).toStrictEqual(value);
    expect((received as typeof value).all[0]?.points[1]).toBeInstanceOf(Point);
  });

  it.each([250, 300, 65_500, 65_600, 200_000])('carries an instance of about %i bytes', (size) => {
    const value = Line.through(Point.at('x'.repeat(size), 1), Point.at(2, 3));
    expect(pair().roundTrip([value, 'after'])).toStrictEqual([value, 'after']);
  });

  it('carries them in the arguments of an open', () => {
    const both = pair();
    const frame = [FrameType.open, 1, 'a.b', [Point.at(1, undefined)], []] as const;
    both.encoder.frame(frame);
    expect(both.pass()).toStrictEqual([{ frame, problem: undefined }]);
  });

  it('announces a type once, before its first use, and keeps the announcement to itself', () => {
    const both = pair();
    both.encoder.item(1, 'before');
    both.encoder.item(1, Point.at(1, 2));
    const first = both.take();
    both.encoder.item(1, Point.at(3, 4));
    const second = both.take();
    expect(includes(first, 'Point')).toBe(true);
    expect(includes(second, 'Point')).toBe(false);
    expect(itemsOf(both.decode(first))).toStrictEqual([
      [1, 'before'],
      [1, Point.at(1, 2)],
    ]);
    expect(itemsOf(both.decode(second))).toStrictEqual([[1, Point.at(3, 4)]]);
  });

  it('keeps a type announced when the item that used it first is refused', () => {
    const both = pair();
    expect(() => both.encoder.item(1, [Point.at(1, () => 2)])).toThrow(TypeError);
    expect(both.encoder.take()).toBe(undefined);
    expect(both.roundTrip(Point.at(1, 2))).toStrictEqual(Point.at(1, 2));
  });

  it('tells of a type nobody registered, and goes on with the next frame', () => {
    const both = new CodecPair({ codec, receiver: new TestModels().add(Line) });
    both.encoder.item(1, [{ a: Point.at(1, 2) }, Line.through(Point.at(1, 2))]);
    both.encoder.item(2, 'fine');
    const [bad, good] = both.pass();
    expect(bad?.frame.slice(0, 2)).toEqual([FrameType.item, 1]);
    expect(bad?.problem).toMatchObject({ code: 'invalid-argument' });
    expect(bad?.problem?.message).toContain('"Point"');
    expect(good).toMatchObject({ frame: [FrameType.item, 2, expect.any(Number), 'fine'] });
    expect(good?.problem).toBe(undefined);
  });

  it('tells why an instance could not be made, and goes on with the next frame', () => {
    const problem = new StreamError('invalid-argument', 'x must be a number', { data: ['x'] });
    const receiver = new TestModels().add(Line).add(Point, 'Point', ({ x }) => {
      if (typeof x !== 'number') throw problem;
    });
    const both = new CodecPair({ codec, receiver });
    both.encoder.item(1, Line.through(Point.at('one', 2)));
    both.encoder.item(2, Point.at(1, 2));
    const [bad, good] = both.pass();
    expect(bad?.problem).toBe(problem);
    expect(good?.problem).toBe(undefined);
    expect(itemsOf(good === undefined ? [] : [good])).toStrictEqual([[2, Point.at(1, 2)]]);
  });

  it('gives the items of a run that stand before one that could not be read', () => {
    const both = new CodecPair({ codec, receiver: new TestModels().add(Line) });
    for (const item of [{ a: new Date(1) }, 'b', [Point.at(1, 2)], 'd']) both.encoder.item(1, item);
    const received = both.pass();
    expect(itemsOf(received)).toEqual([
      [1, { a: new Date(1) }],
      [1, 'b'],
    ]);
    expect(received.map(({ problem }) => problem?.code)).toEqual(['invalid-argument']);
    expect(received[0]?.problem?.message).toContain('"Point"');
  });

  it('makes no instance of fields that could not be read', () => {
    const made: unknown[] = [];
    const receiver = new TestModels().add(Line, 'Line', (fields) => made.push(fields));
    const both = new CodecPair({ codec, receiver });
    both.encoder.item(1, Line.through(Point.at(1, 2)));
    both.pass();
    expect(made).toEqual([]);
  });

  it('closes on a type that was never announced', () => {
    const both = pair();
    both.encoder.item(1, Point.at(1, 2));
    both.take();
    both.encoder.item(1, Point.at(1, 2));
    expect(() => both.pass()).toThrow(ProtocolViolation);
  });

  it('closes on a peer that announces more types than it may', () => {
    const both = new CodecPair({ codec, decoderLimits: { types: 1 } });
    expect(both.roundTrip(Point.at(1, 2))).toStrictEqual(Point.at(1, 2));
    both.encoder.item(1, Line.through());
    expect(() => both.pass()).toThrow(ProtocolViolation);
  });

  it('closes on a peer that announces more field names than it may', () => {
    const entries = Array.from({ length: 65 }, (_, i) => [i, 'Point', manyNames(64)]);
    const both = pair();
    both.encoder.frame([FrameType.types, entries.slice(1)]);
    expect(both.pass()).toEqual([]);
    both.encoder.frame([FrameType.types, entries.slice(0, 1)]);
    expect(() => both.pass()).toThrow(ProtocolViolation);
  });

  it('carries instances with more and longer fields than may be announced', () => {
    for (const names of [manyNames(70), ['x'.repeat(70)], ['$', 'v', 'é"\\']]) {
      const point = Object.assign(new Point(), Object.fromEntries(names.map((it) => [it, 1])));
      const both = pair();
      for (let i = 0; i < 2; i++) expect(both.roundTrip(point)).toStrictEqual(point);
    }
  });

  it('carries instances of one class with whatever fields, one after the other', () => {
    const fields = fc.dictionary(fc.constantFrom('x', 'y', 'a', '$', 'v', '1'), anyValue, {
      noNullPrototype: true,
      maxKeys: 4,
    });
    const point = fields.map((it) => Object.assign(new Point(), it));
    const points = fc.array(point, { maxLength: 4 });
    fc.assert(
      fc.property(points, fc.nat(3), (all, nesting) => {
        const nested = all.map((it) => nest(it, nesting));
        const both = pair();
        for (const point of nested) both.encoder.item(1, point);
        if (nested.length === 0) return;
        expect(itemsOf(both.pass()).map(([, item]) => item)).toStrictEqual(nested);
      }),
      { numRuns: 100 },
    );
  });

  it('closes on a types frame of a wrong shape', () => {
    const shapes = [undefined, 1, [1], [[1]], [['a', 'b']], [[1, 2]], [[1.5, 'a']]];
    const names = [null, 'x', [1], ['x', 'x'], ['__proto__'], ['x'.repeat(65)], manyNames(65)];
    for (const types of [...shapes, ...names.map((it) => [[1, 'Point', it]])]) {
      const both = pair();
      both.encoder.frame([FrameType.types, types]);
      expect(() => both.pass()).toThrow(ProtocolViolation);
    }
  });
}

function nest(point: Point, levels: number): Point {
  return levels === 0 ? point : Point.at(nest(point, levels - 1), Line.through(point));
}

function manyNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `field${i}`);
}

function includes(message: string | Uint8Array, text: string): boolean {
  return Buffer.from(message as Uint8Array).includes(text);
}
