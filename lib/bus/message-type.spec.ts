import { describe, expect, it } from 'vitest';
import { MessageCheck, type MessageType } from './message-type.js';

class Shape {}
class Circle extends Shape {}
class Stroke {}

const samples = [new Shape(), new Circle(), new Stroke(), 'text', 1, true, 1n, null, undefined, {}];

function accepted(type: MessageType): unknown[] {
  const check = new MessageCheck(type);
  return samples.filter((sample) => check.accepts(sample));
}

describe('MessageCheck', () => {
  it('accepts instances of the class and of its subclasses, given itself or by a thunk', () => {
    expect(accepted(Shape)).toEqual([samples[0], samples[1]]);
    expect(accepted(() => Shape)).toEqual([samples[0], samples[1]]);
    expect(accepted(() => Circle)).toEqual([samples[1]]);
  });

  it('accepts instances of any class of a union', () => {
    expect(accepted(() => [Circle, Stroke])).toEqual([samples[1], samples[2]]);
  });

  it('takes String, Number, Boolean and BigInt for the primitives', () => {
    expect(accepted(String)).toEqual(['text']);
    expect(accepted(() => Number)).toEqual([1]);
    expect(accepted(() => [Boolean, BigInt])).toEqual([true, 1n]);
  });

  it('names the channel, what came and what was expected', () => {
    const check = new MessageCheck(() => [Circle, String]);
    const complaints = [new Stroke(), 1, null, {}, Object.create(null)].map((message) =>
      check.complaint('shapes', message),
    );
    expect(complaints).toEqual([
      'A message on channel "shapes" is Stroke, not Circle or String.',
      'A message on channel "shapes" is number, not Circle or String.',
      'A message on channel "shapes" is null, not Circle or String.',
      'A message on channel "shapes" is Object, not Circle or String.',
      'A message on channel "shapes" is an object, not Circle or String.',
    ]);
  });

  it('refuses what leads to no class', () => {
    const wrong = [() => undefined, () => [], () => [Shape, undefined], 'Shape', null, {}];
    for (const type of wrong)
      expect(() => new MessageCheck(type as unknown as MessageType)).toThrow(
        /^type must be a class/,
      );
  });
});
