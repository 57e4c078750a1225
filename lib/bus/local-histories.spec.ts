import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KNOWN_FOR_MS } from './history-driver.js';
import { LocalHistories } from './local-histories.js';

const history = { size: 10, ttlMs: 1_000 };
const receiver = { record: () => {}, resumed: () => {}, failed: () => {} };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

function createHistories() {
  const histories = new LocalHistories((deliver) => deliver());
  const read = async (from: 'start' | { after: string } = 'start') => {
    const { records, gap } = await histories.read('a', history, from, 100);
    return [...(gap === undefined ? [] : [gap]), ...records.map(({ message }) => message)];
  };
  const last = async () => (await histories.read('a', history, 'end', 1)).last;
  return { histories, read, last };
}

describe('LocalHistories', () => {
  it('lets go of what is too old, whether anything is published or not', async () => {
    const { histories, read } = createHistories();
    void histories.publish('a', 1, history);
    vi.advanceTimersByTime(600);
    void histories.publish('a', 2, history);
    vi.advanceTimersByTime(600);
    expect(await read()).toEqual([2]);
    vi.advanceTimersByTime(600);
    expect(await read()).toEqual([]);
  });

  it('knows the last position for a day longer, and then nothing of the channel', async () => {
    const { histories, read, last } = createHistories();
    void histories.publish('a', 1, history);
    const position = await last();
    vi.advanceTimersByTime(KNOWN_FOR_MS);
    expect(await read({ after: position })).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect([await last(), vi.getTimerCount()]).toEqual(['', 0]);
    expect(await read({ after: position })).toEqual(['reset']);
  });

  it('keeps one timer for a channel, however much is published', () => {
    const { histories } = createHistories();
    for (let n = 0; n < 1_000; n += 1) {
      void histories.publish('a', n, history);
      vi.advanceTimersByTime(10);
    }
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100_000);
    void histories.publish('a', 1, history);
    expect(vi.getTimerCount()).toBe(1);
    histories.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a message be published again after a silence, and be let go in time', async () => {
    const { histories, read } = createHistories();
    void histories.publish('a', 1, history);
    vi.advanceTimersByTime(50_000);
    void histories.publish('a', 2, history);
    expect(await read()).toEqual([2]);
    vi.advanceTimersByTime(1_001);
    expect(await read()).toEqual([]);
  });

  it('keeps nothing of a channel that was only subscribed to', async () => {
    const { histories, last } = createHistories();
    const first = histories.subscribe('a', history, receiver);
    expect(first.position).toBe('');
    first.cancel();
    const second = histories.subscribe('a', history, receiver);
    void histories.publish('a', 1, history);
    const position = await last();
    vi.advanceTimersByTime(3 * KNOWN_FOR_MS);
    expect(await last()).toBe(position);
    first.cancel();
    expect(await last()).toBe(position);
    second.cancel();
    expect([await last(), vi.getTimerCount()]).toEqual(['', 0]);
  });
});
