import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lease, thisMoment } from './redis-cluster-log-lease.js';

let ends: number;
let lease: Lease;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  ends = 0;
  lease = new Lease(1_000, () => {
    ends += 1;
  });
});

afterEach(() => {
  lease.end();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('A lease', () => {
  it('is not held before it was renewed', () => {
    expect(lease.isHeld).toBe(false);
  });

  it('runs from the moment it is given, and is told to be over once', () => {
    const sentAt = thisMoment();
    vi.advanceTimersByTime(400);
    lease.renew(sentAt);
    vi.advanceTimersByTime(600);
    expect([lease.isHeld, ends]).toEqual([true, 0]);
    vi.advanceTimersByTime(2);
    expect([lease.isHeld, ends]).toEqual([false, 1]);
    vi.advanceTimersByTime(10_000);
    expect(ends).toBe(1);
  });

  it('goes on when it is renewed', () => {
    for (let i = 0; i < 10; i++) {
      lease.renew(thisMoment());
      vi.advanceTimersByTime(900);
    }
    expect([lease.isHeld, ends]).toEqual([true, 0]);
  });

  it('is over by the monotonic clock, whatever was done to the other one', () => {
    lease.renew(thisMoment());
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(1_001);
    expect(lease.isHeld).toBe(false);
  });

  it('is over by the wall clock, where the other one stood while the machine slept', () => {
    lease.renew(thisMoment());
    vi.setSystemTime(Date.now() + 1_001);
    expect(lease.isHeld).toBe(false);
    vi.advanceTimersByTime(1_001);
    expect(ends).toBe(1);
  });

  it('stays over once it was seen to be', () => {
    lease.renew(thisMoment());
    vi.setSystemTime(Date.now() + 5_000);
    expect(lease.isHeld).toBe(false);
    vi.setSystemTime(Date.now() - 5_000);
    expect(lease.isHeld).toBe(false);
  });

  it('is not held by a renewal that comes too late', () => {
    const sentAt = thisMoment();
    vi.advanceTimersByTime(1_001);
    lease.renew(sentAt);
    expect(lease.isHeld).toBe(false);
  });

  it('ends without a word when it is ended', () => {
    lease.renew(thisMoment());
    lease.end();
    expect(lease.isHeld).toBe(false);
    vi.advanceTimersByTime(5_000);
    expect(ends).toBe(0);
  });
});
