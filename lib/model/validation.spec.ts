import 'reflect-metadata';
import {
  IsArray,
  IsDefined,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  MinLength,
  registerDecorator,
  ValidateNested,
  type ValidationError,
  validate,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { ModelValidators } from './validation.js';

class Point {
  @IsInt() @Min(0) x = 0;
  @IsOptional() @IsString() @MaxLength(5) label?: string | undefined;
}

class Line {
  @IsArray() @ValidateNested() points: unknown = [];
}

class Unchecked {
  x: unknown = 'anything';
}

function make<T extends object>(model: new () => T, fields: object): T {
  return Object.assign(new model(), fields);
}

/** A constraint that counts how often it is asked. */
function Counted(count: () => void, answer: () => unknown, name = 'counted'): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate() {
          count();
          return answer() as boolean;
        },
      },
    });
}

describe('an instance', () => {
  const validators = new ModelValidators();

  it('has no faults when its decorators hold', () => {
    expect(validators.validate(make(Point, { x: 1, label: 'here' }))).toBe(undefined);
    expect(validators.validate(make(Line, { points: [new Point(), new Point()] }))).toBe(undefined);
  });

  it('has the faults that class-validator finds, at once', async () => {
    const faulty = make(Line, {
      points: [make(Point, { x: -1 }), make(Point, { label: 'too long' })],
    });
    const faults = validators.validate(faulty);
    expect(faults).toStrictEqual(await validate(faulty));
    const children = (faults as ValidationError[])[0]?.children;
    expect(children?.map((it) => it.children?.[0]?.constraints)).toEqual([
      { min: 'x must not be less than 0' },
      { maxLength: 'label must be shorter than or equal to 5 characters' },
    ]);
  });

  it('counts characters as class-validator does', async () => {
    class Text {
      @MinLength(2) @MaxLength(3) text = '';
    }
    for (const text of ['😀', '😀😀', '😀😀😀', '😀😀😀😀', '❤️❤️❤️', 'ab', 'a', 'abcd']) {
      const instance = make(Text, { text });
      expect(validators.validate(instance) ?? []).toStrictEqual(await validate(instance));
    }
  });

  it('of a class without rules is never taken for valid, nested or not', () => {
    expect(validators.hasRules(Unchecked)).toBe(false);
    expect(validators.hasRules(Point)).toBe(true);
    expect(validators.validate(new Unchecked())).toHaveLength(1);
    expect(validators.validate(make(Line, { points: [new Unchecked()] }))).toHaveLength(1);
    expect(validators.validate(make(Line, { points: [{ x: 0 }] }))).toHaveLength(1);
  });

  it('is held against the rules of its own class, not of a declared parent', () => {
    class Strict extends Point {
      @IsDefined() z: unknown = undefined;
    }
    expect(validators.validate(make(Line, { points: [new Strict()] }))).toHaveLength(1);
    expect(validators.validate(make(Line, { points: [make(Strict, { z: 1 })] }))).toBe(undefined);
  });
});

describe('undeclared properties', () => {
  it('are stripped where whitelist says so, nested ones, too', () => {
    const line = make(Line, { points: [make(Point, { extra: 1 })], extra: 2 });
    expect(new ModelValidators({ whitelist: true }).validate(line)).toBe(undefined);
    expect(line).toStrictEqual(make(Line, { points: [new Point()] }));
  });

  it('are refused where forbidNonWhitelisted says so', () => {
    const validators = new ModelValidators({ whitelist: true, forbidNonWhitelisted: true });
    const faults = validators.validate(make(Point, { extra: 1 })) as ValidationError[];
    expect(faults.map((it) => it.constraints)).toEqual([
      { whitelistValidation: 'property extra should not exist' },
    ]);
  });
});

describe("a user's own constraint", () => {
  it('is asked once, and waited for', async () => {
    let asked = 0;
    class Later {
      @Counted(
        () => asked++,
        () => Promise.resolve(false),
      )
      value = 1;
    }
    const faults = new ModelValidators().validate(new Later());
    expect(faults).toBeInstanceOf(Promise);
    expect(await faults).toHaveLength(1);
    expect(asked).toBe(1);
  });

  it('is waited for beside a fault that is plain at once', async () => {
    class Both {
      @IsInt() first = 'no';
      @Counted(
        () => undefined,
        () => Promise.resolve(false),
      )
      second = 1;
    }
    const faults = await new ModelValidators().validate(new Both());
    expect(faults?.map(({ property }) => property)).toEqual(['first', 'second']);
  });

  it('counts, though it has the name of a built-in one and is stricter', () => {
    class Trimmed {
      @Counted(
        () => undefined,
        () => false,
        'isString',
      )
      text = 'text';
    }
    expect(new ModelValidators().validate(new Trimmed())).toHaveLength(1);
  });
});
