import { execFileSync } from 'node:child_process';
import { IsDefined, IsInt } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { StreamError } from '../protocol/stream-error.js';
import { classTransformer } from './class-transformer.js';
import { type Generate, generateCode, neverGenerate } from './generated-code.js';
import type { ModelClass } from './model-compiler.js';
import { ModelValidators } from './validation.js';

const WAYS: readonly (readonly [string, Generate])[] = [
  ['generated', generateCode],
  ['not generated', neverGenerate],
];

const STRANGE_NAMES = ['"]; throw 1; //', "'", '`', '\\', '\u2028', '\n', '', '7', 'a b', 'it'];

function makerOf(model: ModelClass, names: readonly string[], generate: Generate) {
  const { fromValues } = classTransformer({}, generate)({ isRegistered: () => false })(model);
  return fromValues?.(names) as (values: readonly unknown[]) => object;
}

function errorOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof StreamError && error.code === 'invalid-argument'
      ? error.message
      : `not a StreamError: ${String(error)}`;
  }
}

describe.each(WAYS)('the code of a model, %s', (_, generate) => {
  it('sets properties of any name, and reads them', () => {
    class Strange {}
    for (const name of STRANGE_NAMES) IsInt()(Strange.prototype, name);
    const make = makerOf(Strange, STRANGE_NAMES, generate);
    const values = STRANGE_NAMES.map((_name, i) => i);
    const made = make(values);
    expect(made).toStrictEqual(
      Object.assign(new Strange(), Object.fromEntries(STRANGE_NAMES.map((name, i) => [name, i]))),
    );
    const validators = new ModelValidators({}, generate);
    expect(validators.validate(made)).toBe(undefined);
    for (const name of STRANGE_NAMES) {
      const faults = validators.validate(Object.assign(make(values), { [name]: 'text' }));
      expect(faults).toMatchObject([{ property: name }]);
    }
  });

  it('keeps methods, constants and the prototype from being set', () => {
    class Guarded {
      x = 0;
      own = () => 'own';
      get half() {
        return this.x / 2;
      }
      method() {
        return 'method';
      }
    }
    const names = ['method', 'own', 'half', '__proto__', 'constructor', 'prototype', 'x'];
    const make = makerOf(Guarded, names, generate);
    const made = make(names.map(() => 4)) as Guarded;
    expect([made.method(), made.own(), made.half, made.x]).toEqual(['method', 'own', 2, 4]);
    expect(Object.getPrototypeOf(made)).toBe(Guarded.prototype);
    expect(Object.keys(made).sort()).toEqual(['own', 'x']);
  });

  it('names the property of which the setter throws, and tells nothing of the reason', () => {
    class Throwing {
      first = 0;
      set second(value: unknown) {
        throw new Error(`a secret of ${String(value)}`);
      }
    }
    const make = makerOf(Throwing, ['first', 'second'], generate);
    expect(errorOf(() => make([1, 2]))).toBe('Throwing.second: was refused');
  });

  it('tells of a constructor that throws without naming a property', () => {
    class Broken {
      x = 0;
      constructor() {
        throw new Error('a secret');
      }
    }
    expect(errorOf(() => makerOf(Broken, ['x'], generate)([1]))).toBe('Broken: was refused');
  });

  it('reads a property once to tell that it passes', () => {
    const read: string[] = [];
    class Counting {
      get first() {
        read.push('first');
        return 1;
      }
      get second() {
        read.push('second');
        return read.length > 10 ? 1 : 'text';
      }
    }
    IsInt()(Counting.prototype, 'first');
    IsInt()(Counting.prototype, 'second');
    IsDefined()(Counting.prototype, 'first');
    read.length = 0;
    read.push(...'0123456789');
    expect(new ModelValidators({}, generate).validate(new Counting())).toBe(undefined);
    expect(read.slice(10)).toEqual(['first', 'second']);
  });

  it('makes instances of more lists of names than are kept', () => {
    class Any {
      x = 0;
    }
    const { fromValues } = classTransformer({}, generate)({ isRegistered: () => false })(Any);
    for (let i = 0; i < 50; i++) {
      expect(fromValues?.([`key${i}`, 'x'])([i, i])).toStrictEqual(
        Object.assign(new Any(), { x: i, [`key${i}`]: i }),
      );
    }
  });
});

describe('generateCode', () => {
  it('gives the body the values of its scope', () => {
    expect(generateCode({ a: 1, b: 2 }, 'return a + b;')).toBe(3);
  });

  it('gives undefined where the runtime forbids code of text', () => {
    const script = `const generate = ${generateCode.toString()}; console.log(generate({}, 'return 1;'));`;
    const output = execFileSync(
      process.execPath,
      ['--disallow-code-generation-from-strings', '-e', script],
      { encoding: 'utf8' },
    );
    expect(output.trim()).toBe('undefined');
  });
});
