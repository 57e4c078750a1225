import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Seldom } from './seldom.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('Lines that are told seldom', () => {
  it('are told once in ten seconds, and then with how many were left out', () => {
    const seldom = new Seldom();
    const lines: string[] = [];
    const tell = (line: string) => seldom.tell((others) => void lines.push(`${line}${others}`));
    expect(['first', 'second', 'third'].map(tell)).toEqual([true, false, false]);
    vi.advanceTimersByTime(9_999);
    expect(tell('fourth')).toBe(false);
    vi.advanceTimersByTime(1);
    expect(tell('fifth')).toBe(true);
    vi.advanceTimersByTime(10_000);
    expect(tell('sixth')).toBe(true);
    expect(lines).toEqual(['first', 'fifth (and 3 others since the last such line)', 'sixth']);
  });
});
