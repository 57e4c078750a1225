import { expect, it } from 'vitest';
import { StreamError } from '../protocol/stream-error.js';
import { ModelRegistry, Serializable } from './registry.js';

class Point {
  x = 0;
}

function named(name: string): new () => object {
  return { [name]: class {} }[name] as new () => object;
}

it('fails the start when two classes have one name', () => {
  expect(() => new ModelRegistry([named('Thing'), named('Thing')])).toThrow(
    'Two model classes have the name "Thing"',
  );
  expect(() => new ModelRegistry([named('')])).toThrow('no name');
});

it('takes a class twice, and under the name it was given', () => {
  const Thing = named('Thing');
  Serializable('thing')(Thing);
  const models = new ModelRegistry([Thing, Thing]);
  expect(models.typeNamed('thing')).toBe(models.typeOf(new Thing()));
  expect(models.typeNamed('Thing')).toBe(undefined);
  expect(models.has(Thing)).toBe(true);
});

it('gives a subclass a name of its own, and no type before it is registered', () => {
  const Thing = named('Thing');
  Serializable('thing')(Thing);
  class Other extends Thing {}
  expect(new ModelRegistry([Thing]).typeOf(new Other())).toBe(undefined);
  expect(new ModelRegistry([Thing, Other]).typeOf(new Other())?.name).toBe('Other');
});

it('makes instances of their own fields where it was given nothing else', () => {
  const type = new ModelRegistry([Point]).typeNamed('Point');
  const point = Object.assign(new Point(), { x: 1, y: 2 });
  expect(type?.fromFields(type.toFields(point))).toStrictEqual(point);
});

it('assigns no forbidden key, no method, and tells of a setter that throws', () => {
  class Guarded {
    method(): number {
      return 1;
    }
    set value(_: unknown) {
      throw new Error('internal');
    }
  }
  const type = new ModelRegistry([Guarded]).typeNamed('Guarded');
  const evil = JSON.parse('{"__proto__":{"polluted":1},"constructor":1,"method":2}') as object;
  const made = type?.fromFields({ ...evil, ...{ method: 2 } }) as Guarded;
  expect(made.method()).toBe(1);
  expect(made).toStrictEqual(new Guarded());
  const refused = expect.objectContaining({ message: 'Guarded.value: was refused' });
  expect(() => type?.fromFields({ value: 1 })).toThrow(refused);
  expect(() => type?.fromFields({ value: 1 })).toThrow(StreamError);
});
