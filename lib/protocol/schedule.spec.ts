import { describe, expect, it } from 'vitest';
import { createSchedule } from './schedule.js';

describe('A schedule', () => {
  it('runs what a turn asked for together, in order, after the promises that are settled', async () => {
    const seen: string[] = [];
    const schedule = createSchedule();
    schedule(() => seen.push('first'));
    schedule(() => seen.push('second'));
    void Promise.resolve().then(() => seen.push('promise'));
    expect(seen).toEqual([]);
    await new Promise(setImmediate);
    expect(seen).toEqual(['promise', 'first', 'second']);
  });

  it('runs objects among functions, in order', () => {
    const { seen, turns, schedule } = byHand();
    schedule(() => seen.push('function'));
    schedule({ run: () => void seen.push('object') });
    turns.shift()?.();
    expect(seen).toEqual(['function', 'object']);
  });

  it('leaves what is asked for while others run to the next turn', () => {
    const { seen, turns, schedule } = byHand();
    schedule(() => {
      seen.push('first');
      schedule(() => seen.push('later'));
    });
    schedule(() => seen.push('second'));
    turns.shift()?.();
    expect(seen).toEqual(['first', 'second']);
    turns.shift()?.();
    expect(seen).toEqual(['first', 'second', 'later']);
    expect(turns).toEqual([]);
  });

  it('runs the others in the next turn when one throws', () => {
    const { seen, turns, schedule } = byHand();
    schedule(() => {
      throw new Error('broken');
    });
    schedule(() => seen.push('second'));
    schedule(() => seen.push('third'));
    expect(() => turns.shift()?.()).toThrow('broken');
    schedule(() => seen.push('fourth'));
    expect(turns).toHaveLength(1);
    turns.shift()?.();
    expect(seen).toEqual(['second', 'third', 'fourth']);
  });
});

function byHand() {
  const turns: (() => void)[] = [];
  const seen: string[] = [];
  return { turns, seen, schedule: createSchedule((run) => turns.push(run)) };
}
