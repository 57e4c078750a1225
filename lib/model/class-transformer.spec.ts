import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { describe, expect, it } from 'vitest';
import { StreamError } from '../protocol/stream-error.js';
import { classTransformer, type TransformOptions } from './class-transformer.js';
import type { ModelClass } from './model-compiler.js';
import { ModelRegistry } from './registry.js';
import { Wire } from './spec/wire.js';
import { StreamingException } from './streaming-exception.js';

class Shape {
  x = 0;
}

class Circle extends Shape {
  r = 0;
}

class Secret {
  shown = 'shown';
  @Exclude() hidden: string | undefined = undefined;
}

/** Nobody registered it. */
class Stranger {
  seen = 'seen';
  @Exclude() hidden = 'never told';
}

class Square extends Shape {
  @Exclude() hidden = 'never told';
}

class Drawing {
  @Type(() => Shape) first: Shape | null = null;
  @Type(() => Shape) shapes: Shape[] = [];
  @Type(() => Shape) named: Map<unknown, Shape> = new Map();
  @Type(() => Shape) pool: Set<Shape> = new Set();
  @Type(() => Date) at: Date | undefined = undefined;
  @Type(() => Secret) secret: Secret | undefined = undefined;
  anything: unknown = null;
}

const ALL: ModelClass[] = [Shape, Circle, Secret, Drawing];

function make<T extends object>(model: new () => T, fields: Partial<T>): T {
  return Object.assign(new model(), fields);
}

function registry(models: ModelClass[] = ALL, options: TransformOptions = {}): ModelRegistry {
  return new ModelRegistry(models, classTransformer(options));
}

function refusalOf(action: () => unknown): StreamError {
  try {
    action();
  } catch (error) {
    if (error instanceof StreamError) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe.each(['json', 'msgpack'] as const)('models over %s', (codec) => {
  const wire = (models = registry()) => new Wire(codec, models);

  it('arrive equal, nested ones, lists, maps and sets of them as instances of their classes', () => {
    const shape = make(Shape, { x: 1 });
    const drawing = make(Drawing, {
      first: shape,
      shapes: [shape, make(Shape, { x: 2 })],
      named: new Map<unknown, Shape>([
        ['a', shape],
        [7, shape],
      ]),
      pool: new Set([shape]),
      at: new Date(5),
    });
    expect(wire().carry(drawing)).toStrictEqual(drawing);
  });

  it('carry what JSON lacks in fields that declare nothing', () => {
    const anything = [
      new Date(1),
      2n ** 80n,
      new Uint8Array([0, 255]),
      new Map<unknown, unknown>([[{ a: 1 }, new Set([Number.NaN, -0])]]),
      { deep: [undefined, Number.POSITIVE_INFINITY] },
    ];
    const drawing = make(Drawing, { anything });
    expect(wire().carry(drawing)).toStrictEqual(drawing);
  });

  it('carry the bytes of a Buffer and of a part of one', () => {
    const anything = Buffer.from('hello world').subarray(6);
    const arrived = wire().carry(make(Drawing, { anything })).anything as Uint8Array;
    expect([...arrived]).toEqual([...anything]);
  });

  it('arrive as the subclass where the parent is declared', () => {
    const circle = make(Circle, { x: 1, r: 2 });
    const drawing = make(Drawing, { first: circle, shapes: [make(Shape, {}), circle] });
    const arrived = wire().carry(drawing);
    expect(arrived).toStrictEqual(drawing);
    expect(arrived.first).toBeInstanceOf(Circle);
  });

  it('name the class of a nested model, for a side that does not read declarations', () => {
    const line = wire();
    line.carry(make(Drawing, { shapes: [make(Shape, {})] }));
    expect(line.message).toContain('Shape');
  });

  it('stay instances of their classes where nothing is declared', () => {
    const drawing = make(Drawing, { anything: { list: [make(Circle, { r: 3 })] } });
    expect(wire().carry(drawing)).toStrictEqual(drawing);
  });

  it('never let an excluded field leave, however deep it lies', () => {
    const hidden = 'never told';
    const secret = make(Secret, { hidden });
    const line = wire();
    const values: unknown[] = [
      secret,
      make(Drawing, { secret }),
      make(Drawing, { anything: [{ secret }] }),
      make(Drawing, { anything: new Map([['secret', secret]]) }),
      make(Drawing, { anything: new Stranger() }),
      make(Drawing, { anything: new Set([[new Stranger()]]) }),
      make(Drawing, { first: new Square() }),
      make(Drawing, { shapes: [new Square()] }),
      { deep: [secret] },
    ];
    for (const value of values) {
      line.carry(value);
      expect(line.message).not.toContain(hidden);
    }
  });

  it('never let an excluded field of an exception leave, nor its stack', () => {
    class SoldOut extends StreamingException {
      product = 'tea';
      @Exclude() query = 'never told';
    }
    const line = wire(registry([SoldOut]));
    const arrived = line.carry(new SoldOut('There is none.', 'resource-exhausted'));
    expect(arrived).toBeInstanceOf(SoldOut);
    expect(arrived).toMatchObject({ product: 'tea', code: 'resource-exhausted' });
    expect(line.message).not.toMatch(/never told|stack|spec/);
  });

  it('are sent as they were when they were yielded', () => {
    const shape = make(Shape, { x: 1 });
    const drawing = make(Drawing, { first: shape, anything: { list: [1] } });
    const wanted = structuredClone({ x: 1, list: [1] });
    const models = registry();
    const line = new Wire(codec, {
      typeOf: (instance) => models.typeOf(instance),
      typeNamed(name) {
        shape.x = 2;
        (drawing.anything as { list: number[] }).list.push(2);
        return models.typeNamed(name);
      },
    });
    const arrived = line.carry(drawing);
    expect(arrived.first?.x).toBe(wanted.x);
    expect(arrived.anything).toEqual({ list: wanted.list });
  });

  it.each(['first', 'anything', 'shapes'])('refuse a graph that contains itself in %s', (key) => {
    const drawing = new Drawing();
    const inner = make(Drawing, {});
    Object.assign(drawing, { [key]: key === 'shapes' ? [inner, inner] : inner });
    Object.assign(inner, { [key]: key === 'shapes' ? [drawing, drawing] : drawing });
    expect(() => wire().carry(drawing)).toThrow(TypeError);
    const loop: unknown[] = [];
    loop.push(loop, loop);
    expect(() => wire().carry(make(Drawing, { [key]: loop }))).toThrow(/contains itself/);
  });

  it('pass through a side without class-transformer, which sends its fields as they are', () => {
    const plain = new ModelRegistry(ALL);
    const drawing = make(Drawing, { first: make(Circle, { r: 1 }), shapes: [make(Shape, {})] });
    expect(new Wire(codec, plain, registry()).carry(drawing)).toStrictEqual(drawing);
  });
});

class Account {
  @Expose({ name: 'user_id' }) id = 0;
  @Transform(({ value }) => String(value).toUpperCase(), { toPlainOnly: true }) name = '';
  @Expose({ groups: ['staff'] }) note = 'default';
  @Expose({ since: 2 }) added = 'default';
  @Expose() get label(): string {
    return `${this.id}`;
  }
}

describe('the decorators of class-transformer', () => {
  const fieldsOf = (options?: TransformOptions) =>
    registry([Account], options)
      .typeOf(new Account())
      ?.toFields(make(Account, { name: 'ann' }));

  it('rename, transform and compute as declared', () => {
    expect(fieldsOf()).toEqual({ user_id: 0, name: 'ANN', added: 'default', label: '0' });
    const wire = new Wire('json', registry([Account]));
    expect(wire.carry(make(Account, { id: 7, name: 'ann' }))).toStrictEqual(
      make(Account, { id: 7, name: 'ANN' }),
    );
  });

  it('heed the groups and the version that are chosen', () => {
    expect(fieldsOf({ groups: ['staff'], version: 1 })).toHaveProperty('note');
    expect(fieldsOf({ version: 1 })).not.toHaveProperty('added');
  });

  it('take subtypes by their discriminator, without touching the instance that is sent', () => {
    class Zoo {
      @Type(() => Shape, {
        discriminator: { property: 'kind', subTypes: [{ name: 'round', value: Circle }] },
      })
      shapes: Shape[] = [];
    }
    const circle = Object.freeze(make(Circle, { r: 4 }));
    const models = registry([Zoo]);
    const zoo = make(Zoo, { shapes: [circle] });
    expect(models.typeOf(zoo)?.toFields(zoo)).toEqual({ shapes: [{ x: 0, r: 4, kind: 'round' }] });
    expect(new Wire('json', models).carry(zoo)).toStrictEqual(zoo);
    expect(() => new Wire('json', models).carry(make(Zoo, { shapes: [new Shape()] }))).toThrow(
      'Shape is none of the subtypes',
    );
  });

  it('let a property that only a parent computes cross', () => {
    class Parent {
      x = 1;
      @Expose() get double(): number {
        return this.x * 2;
      }
    }
    class Heir extends Parent {}
    expect(new Wire('json', registry([Heir])).carry(new Heir())).toStrictEqual(new Heir());
  });

  it('take a container that is named as the type for one that says nothing of its elements', () => {
    class Holder {
      @Type(() => Map) map: unknown = null;
      @Type(() => Array) list: unknown = null;
    }
    const map = new Map<unknown, unknown>([[1, { a: [make(Circle, { r: 1 })] }]]);
    const holder = make(Holder, { map, list: [{ length: 5 }] });
    expect(new Wire('json', registry([Holder, Circle])).carry(holder)).toStrictEqual(holder);
  });

  it('refuse options that would undo what models promise', () => {
    expect(() => classTransformer({ ignoreDecorators: true } as TransformOptions)).toThrow(
      'ignoreDecorators',
    );
  });
});

describe('fields that a peer sent', () => {
  const fromFields = (model: ModelClass, fields: Record<string, unknown>, models = [model]) =>
    registry(models).typeNamed(model.name)?.fromFields(fields);

  it('assign no key that reaches a prototype', () => {
    const evil = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":1,"anything":{"__proto__":{"polluted":1}}}',
    ) as Record<string, unknown>;
    const made = fromFields(Drawing, evil) as Drawing & { polluted?: unknown };
    expect(made).toBeInstanceOf(Drawing);
    expect(made.polluted).toBe(undefined);
    expect((made.anything as { polluted?: unknown }).polluted).toBe(undefined);
    expect(Object.keys(made)).not.toContain('prototype');
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
  });

  it('replace no method and nothing that is only computed', () => {
    class Guarded {
      greet(): string {
        return 'hello';
      }
      get fixed(): number {
        return 1;
      }
    }
    const made = fromFields(Guarded, { greet: 1, fixed: 2, toString: 3, valueOf: 4 }) as Guarded;
    expect(made.greet()).toBe('hello');
    expect(made.fixed).toBe(1);
    expect(String(made)).toBe('[object Object]');
  });

  it('keep out what is excluded', () => {
    expect(fromFields(Secret, { shown: 'a', hidden: 'b' })).toStrictEqual(
      make(Secret, { shown: 'a' }),
    );
  });

  it('are refused with the way to the property when a declared class gets another', () => {
    const refusal = refusalOf(() => fromFields(Drawing, { shapes: [{ x: 1 }, new Secret()] }, ALL));
    expect(refusal).toMatchObject({
      code: 'invalid-argument',
      message: 'Drawing.shapes.1: must be a Shape',
      data: [{ property: 'shapes.1', constraints: { model: 'must be a Shape' } }],
    });
  });

  it('are refused, telling nothing of the error, when the code of the user throws', () => {
    const cause = new Error('SELECT * FROM passwords');
    const fail = (): never => {
      throw cause;
    };
    class Making {
      constructor() {
        if (Making.name !== '') fail();
      }
    }
    class Setting {
      set value(_: unknown) {
        fail();
      }
    }
    class Changing {
      @Transform(fail) value = 1;
    }
    class Around {
      @Type(() => Changing) inner: Changing | undefined = undefined;
    }
    const refusals = [
      refusalOf(() => fromFields(Making, {})),
      refusalOf(() => fromFields(Setting, { value: 1 })),
      refusalOf(() => fromFields(Around, { inner: { value: 1 } })),
    ];
    expect(refusals.map(({ message }) => message)).toEqual([
      'Making: was refused',
      'Setting.value: was refused',
      'Around.inner.value: was refused',
    ]);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ code: 'invalid-argument', cause });
  });

  it('are refused with the words of a StreamError that was meant for the peer', () => {
    class Colored {
      @Transform(() => {
        throw new StreamError('invalid-argument', 'must be a colour');
      })
      color = '';
    }
    expect(refusalOf(() => fromFields(Colored, { color: 1 })).message).toBe(
      'Colored.color: must be a colour',
    );
  });

  it('take no memory for what only says how long it is', () => {
    class Holder {
      @Type(() => Buffer) bytes: unknown = null;
    }
    expect(refusalOf(() => fromFields(Holder, { bytes: { length: 2 ** 31 } })).code).toBe(
      'invalid-argument',
    );
    expect(fromFields(Holder, { bytes: { type: 'Buffer', data: [1] } })).toStrictEqual(
      make(Holder, { bytes: Buffer.from([1]) }),
    );
  });

  it('may have keys that no one declared, where no option forbids them', () => {
    const type = registry([Shape]).typeNamed('Shape');
    for (const key of ['one', 'two']) expect(type?.fromFields({ [key]: 1 })).toHaveProperty(key, 1);
    expect(type?.fromFields({ x: 2 })).toStrictEqual(make(Shape, { x: 2 }));
    const strict = registry([Account], { excludeExtraneousValues: true }).typeNamed('Account');
    expect(strict?.fromFields({ user_id: 2, one: 1 })).not.toHaveProperty('one');
  });
});
