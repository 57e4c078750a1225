import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Allowance } from './allowance.js';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

const takeAll = (allowance: Allowance): number => {
  let taken = 0;
  while (allowance.take()) taken++;
  return taken;
};

it('allows so many at once, and then as many in each minute', () => {
  const allowance = new Allowance(60);
  expect(takeAll(allowance)).toBe(60);
  vi.advanceTimersByTime(999);
  expect(takeAll(allowance)).toBe(0);
  vi.advanceTimersByTime(1);
  expect(takeAll(allowance)).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(takeAll(allowance)).toBe(10);
});

it('saves no more than one minute', () => {
  const allowance = new Allowance(5);
  vi.advanceTimersByTime(3_600_000);
  expect(takeAll(allowance)).toBe(5);
});

it('counts small times between two that came too early', () => {
  const allowance = new Allowance(60);
  takeAll(allowance);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(99);
    expect(allowance.take()).toBe(false);
  }
  vi.advanceTimersByTime(11);
  expect(allowance.take()).toBe(true);
});
