import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsDate,
  IsDefined,
  IsInt,
  IsNegative,
  IsNotEmpty,
  IsNumber,
  IsPositive,
  IsString,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';
import { expect, it } from 'vitest';
import { readRules } from './validation-rules.js';

const BUILT_IN: readonly (readonly [PropertyDecorator, unknown])[] = [
  [IsString(), 'text'],
  [IsNumber(), 1.5],
  [IsInt(), 1],
  [IsBoolean(), false],
  [IsDate(), new Date(0)],
  [IsArray(), []],
  [IsDefined(), 0],
  [IsNotEmpty(), 0],
  [IsPositive(), 1],
  [IsNegative(), -1],
  [Min(1), 1],
  [Max(1), 1],
  [MinLength(2), '123456'],
  [MaxLength(2), '12'],
  [ArrayMinSize(1), [1]],
  [ArrayMaxSize(1), [1]],
  [ArrayNotEmpty(), [1]],
];

function quickOf(decorator: PropertyDecorator) {
  class Model {}
  decorator(Model.prototype, 'value');
  const [rules] = readRules(Model, {});
  return [...(rules?.defined ?? []), ...(rules?.custom ?? [])][0]?.quick;
}

it('passes what the commonest constraints pass, in place of them', () => {
  for (const [decorator, value] of BUILT_IN) expect(quickOf(decorator)?.(value)).toBe(true);
});

it('leaves to the constraint what it has an option for', () => {
  expect(quickOf(IsNumber({ maxDecimalPlaces: 20 }))?.(1)).toBe(false);
  expect(quickOf(IsNumber({ allowNaN: true }))?.(Number.NaN)).toBe(false);
});
