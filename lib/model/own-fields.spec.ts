import { describe, expect, it } from 'vitest';
import { ownFields } from './own-fields.js';

class Shape {
  width = 1;
  own = () => 'own';
  get area() {
    return this.width ** 2;
  }
  method() {
    return 'method';
  }
}

const { fromFields, fromValues } = ownFields({ isRegistered: () => false })(Shape);

/** Of the same fields by both ways. */
function makeBoth(fields: Record<string, unknown>): Shape[] {
  const names = Object.keys(fields);
  return [fromFields(fields), fromValues?.(names)(names.map((name) => fields[name]))] as Shape[];
}

describe('an instance of its own fields', () => {
  it('is the same, made of an object or of values by place', () => {
    const wanted = Object.assign(new Shape(), { width: 3, more: undefined, '1': null });
    wanted.own = Number as never;
    const both = makeBoth({ width: 3, own: Number, more: undefined, 1: null });
    expect(both).toStrictEqual([wanted, wanted]);
  });

  it('keeps its methods, its getters and its prototype', () => {
    const fields = JSON.parse('{"method":1,"area":1,"__proto__":{},"constructor":1,"prototype":1}');
    for (const made of makeBoth(fields)) {
      expect([made.method(), made.area]).toEqual(['method', 1]);
      expect(Object.getPrototypeOf(made)).toBe(Shape.prototype);
      expect(Object.keys(made)).toEqual(Object.keys(new Shape()));
    }
  });

  it('is refused with the property whose setter throws', () => {
    class Throwing {
      set x(_value: unknown) {
        throw new Error('a secret');
      }
    }
    const functions = ownFields({ isRegistered: () => false })(Throwing);
    const refusal = expect.objectContaining({ message: 'Throwing.x: was refused' });
    expect(() => functions.fromFields({ x: 1 })).toThrow(refusal);
    expect(() => functions.fromValues?.(['x'])([1])).toThrow(refusal);
  });
});
