import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeepAlive } from './keep-alive.js';

let told: string[];
let keepAlive: KeepAlive;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  const port = { ping: () => told.push('ping'), dead: () => told.push('dead') };
  keepAlive = new KeepAlive(port, 15_000, 10_000);
  keepAlive.start();
});

afterEach(() => {
  keepAlive.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('KeepAlive', () => {
  it('pings a peer that is silent for the interval, and gives it up without an answer', () => {
    vi.advanceTimersByTime(14_999);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(['ping']);
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual(['ping']);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(['ping', 'dead']);
  });

  it('takes an answer that could not be read in time because the process was held up', () => {
    vi.advanceTimersByTime(15_000 + 10_000);
    keepAlive.heard();
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(['ping']);
  });

  it('asks nothing of a peer from which anything is heard', () => {
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(10_000);
      keepAlive.heard();
    }
    expect(told).toEqual([]);
  });

  it('goes on after an answer, and pings again', () => {
    vi.advanceTimersByTime(16_000);
    keepAlive.heard();
    vi.advanceTimersByTime(14_999);
    expect(told).toEqual(['ping']);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(['ping', 'ping']);
  });

  it('does nothing once it is stopped, in the middle of its ping too', () => {
    vi.advanceTimersByTime(15_000);
    keepAlive.stop();
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual(['ping']);
  });
});
