import { describe, expect, it } from 'vitest';
import { FIRST_ITEM, FrameType } from './frames.js';
import type { ModelType } from './model-port.js';
import { CodecPair } from './spec/codec-pair.js';
import { Line, Point, TestModels } from './spec/test-models.js';
import { ProtocolViolation } from './violation.js';

const ANNOUNCED = [FrameType.types, [[1, 'Point', ['x', 'y']]]];

function item(...items: unknown[]): unknown[] {
  const size = items.reduce((sum: number, it) => sum + JSON.stringify(it).length, 0);
  return [FrameType.item, 1, size, ...items];
}

function receive(frames: unknown[], both = new CodecPair({ codec: 'json' })) {
  return both.decode(JSON.stringify(frames));
}

describe('an instance in JSON', () => {
  it('is made of its values by place, which are values again', () => {
    const inner = { $: 1, v: [{ $: 'd', v: 0 }, { $: 'u' }] };
    const [received] = receive([ANNOUNCED, item({ $: 1, v: [[inner], { $: 'n', v: '7' }] })]);
    expect(received?.problem).toBe(undefined);
    expect(received?.frame.slice(FIRST_ITEM)).toStrictEqual([
      Point.at([Point.at(new Date(0), undefined)], 7n),
    ]);
  });

  it('may be an object with the fields of a type that was announced with them', () => {
    const [received] = receive([ANNOUNCED, item({ $: 1, v: { y: 2, z: 3 } })]);
    expect(received?.frame[FIRST_ITEM]).toStrictEqual(Object.assign(new Point(), { y: 2, z: 3 }));
  });

  it.each<[string, unknown, unknown]>([
    ['a place too few', ANNOUNCED, [1]],
    ['a place too many', ANNOUNCED, [1, 2, 3]],
    ['no places', ANNOUNCED, []],
    ['places that were not announced', [FrameType.types, [[1, 'Point']]], [1, 2]],
    ['no place where no names were announced', [FrameType.types, [[1, 'Point']]], []],
  ])('closes on %s', (_, types, v) => {
    expect(() => receive([types, item({ $: 1, v })])).toThrow(ProtocolViolation);
  });

  it('goes by the names that were announced last', () => {
    const anew = [FrameType.types, [[1, 'Point', ['y', 'x']]]];
    const [received] = receive([ANNOUNCED, anew, item({ $: 1, v: [1, 2] })]);
    expect(received?.frame[FIRST_ITEM]).toStrictEqual(Point.at(2, 1));
  });

  it('by place costs only its own frame when nobody registered the type', () => {
    const both = new CodecPair({ codec: 'json', receiver: new TestModels().add(Line) });
    const fine = [FrameType.item, 2, 1, 5];
    const [bad, good] = receive([ANNOUNCED, item({ $: 1, v: [1, 2] }), fine], both);
    expect(bad?.problem).toMatchObject({ code: 'invalid-argument' });
    expect(good).toEqual({ frame: fine, problem: undefined });
  });

  it('by place holds no forbidden key, however deep', () => {
    const value = '{"$":1,"v":[[{"__proto__":{"polluted":true}}],2]}';
    const message = `[${JSON.stringify(ANNOUNCED)},[4,1,${value.length},${value}]]`;
    const [received] = new CodecPair({ codec: 'json' }).decode(message);
    expect(received?.problem).toMatchObject({ code: 'invalid-argument' });
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
  });
});

describe('an instance written in JSON', () => {
  it('stands by place where its fields are those announced, by name otherwise', () => {
    const { encoder } = new CodecPair({ codec: 'json' });
    encoder.item(1, Point.at(1, 2));
    encoder.item(1, Object.assign(Point.at(1, 2), { z: 3 }));
    const [types, [, , , ...items]] = JSON.parse(encoder.take() as string) as [unknown, unknown[]];
    expect(types).toEqual(ANNOUNCED);
    expect(items).toEqual([
      { $: 1, v: [1, 2] },
      { $: 1, v: { x: 1, y: 2, z: 3 } },
    ]);
  });
});

/** Instances are their own fields, as a client without class-transformer has it. */
class OwnFields extends TestModels {
  override typeOf(instance: object): ModelType | undefined {
    const type = super.typeOf(instance);
    return type && { ...type, toFields: (it) => it as Readonly<Record<string, unknown>> };
  }
}

describe.each(['json', 'msgpack'] as const)('an instance that loses fields in %s', (codec) => {
  it('while it is written is refused, and the next one is sent', () => {
    const both = new CodecPair({ codec, sender: new OwnFields().add(Point) });
    expect(both.roundTrip(Point.at(1, 2))).toStrictEqual(Point.at(1, 2));
    const point = Point.at(1, 2);
    const get = () => Reflect.deleteProperty(point, 'y');
    Object.defineProperty(point, 'x', { enumerable: true, get });
    expect(() => both.encoder.item(1, point)).toThrow(TypeError);
    expect(both.roundTrip(Point.at(3, 4))).toStrictEqual(Point.at(3, 4));
  });
});
