import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BusLog } from './bus-log.js';
import { EngineLog } from './engine-log.js';

let lines: string[];

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const note = (line: string) => void lines.push(line);
  Logger.overrideLogger({ log: note, warn: note, error: note });
});

afterEach(() => {
  Logger.overrideLogger(true);
  vi.useRealTimers();
});

it('tells of gaps at most once in ten seconds, and of what is left when it is closed', () => {
  const log = new BusLog(new EngineLog());
  log.gap('a', 'an outage');
  vi.advanceTimersByTime(0);
  log.gap('b', 'an outage');
  log.gap('c', 'an outage');
  vi.advanceTimersByTime(9_999);
  expect(lines).toEqual(['Messages of the channel "a" may be lost: an outage']);
  log.close();
  expect(lines.slice(1)).toEqual(['Messages of the channels "b", "c" may be lost: an outage']);
  expect(vi.getTimerCount()).toBe(0);
});

it('tells nothing more when it is closed with nothing left', () => {
  const log = new BusLog(new EngineLog());
  log.gap('a', 'an outage');
  vi.advanceTimersByTime(0);
  log.close();
  log.close();
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});
