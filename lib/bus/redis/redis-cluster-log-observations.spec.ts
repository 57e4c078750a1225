import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { marginMs } from './redis-cluster-log-lease.js';
import { Observations } from './redis-cluster-log-observations.js';

const LEASE_MS = 1_000;
const OVER_MS = LEASE_MS + marginMs(LEASE_MS) + 1;

let observed: Observations;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  vi.advanceTimersByTime(100_000);
  observed = new Observations(LEASE_MS);
});

afterEach(() => {
  vi.useRealTimers();
});

describe('Observations', () => {
  it('know of no silence at first', () => {
    observed.see('e', 7, LEASE_MS);
    expect(observed.silent('e')).toBe(0);
    vi.advanceTimersByTime(LEASE_MS);
    expect(observed.silent('e')).toBe(0);
  });

  it('take a beat for silent when a lease and its margin have passed since it was heard of', () => {
    observed.see('e', 7, LEASE_MS);
    vi.advanceTimersByTime(500);
    observed.see('e', 9, LEASE_MS);
    vi.advanceTimersByTime(OVER_MS - 500);
    expect(observed.silent('e')).toBe(7);
    vi.advanceTimersByTime(500);
    expect(observed.silent('e')).toBe(9);
  });

  it('know nothing of another epoch', () => {
    observed.see('e', 7, LEASE_MS);
    vi.advanceTimersByTime(OVER_MS);
    expect([observed.silent('f'), observed.outlasts('f')]).toEqual([0, false]);
    observed.see('f', 3, LEASE_MS);
    expect([observed.silent('f'), observed.outlasts('f')]).toEqual([0, false]);
    vi.advanceTimersByTime(OVER_MS);
    expect([observed.silent('f'), observed.outlasts('f')]).toEqual([3, true]);
    expect(observed.outlasts('e')).toBe(false);
  });

  it('wait for the longest lease that anybody has', () => {
    observed.see('e', 7, 5_000);
    vi.advanceTimersByTime(OVER_MS);
    expect([observed.silent('e'), observed.outlasts('e')]).toEqual([0, false]);
    vi.advanceTimersByTime(5_000);
    expect([observed.silent('e'), observed.outlasts('e')]).toEqual([7, true]);
  });

  it('stay few, and near enough', () => {
    for (let beat = 1; beat <= 30_000; beat++) {
      observed.see('e', beat, LEASE_MS);
      vi.advanceTimersByTime(1);
    }
    expect(observed.silent('e')).toBeGreaterThan(30_000 - OVER_MS - LEASE_MS / 50);
    expect(observed.silent('e')).toBeLessThanOrEqual(30_000 - OVER_MS + 1);
  });
});
