import { afterEach, describe, expect, it, vi } from 'vitest';
import { BusUnavailableError } from './bus-error.js';
import type { HistoryPage, HistoryRecord, HistoryStart } from './history-driver.js';
import { HistoryFollower } from './history-follower.js';

function record(n: number, previous = n - 1): HistoryRecord {
  return {
    position: `${n}`,
    previous: previous === 0 ? '' : `${previous}`,
    kind: 'message',
    message: n,
  };
}

function loss(n: number): HistoryRecord {
  return { ...record(n), kind: 'loss', message: undefined };
}

function records(from: number, to: number): HistoryRecord[] {
  return Array.from({ length: to - from + 1 }, (_, i) => record(from + i));
}

/** A follower whose reads are answered by hand. */
function createFollower() {
  const given: unknown[] = [];
  const reads: { from: HistoryStart; limit: number; answer(page: HistoryPage): Promise<void> }[] =
    [];
  const fail: ((error: unknown) => Promise<void>)[] = [];
  const state = { room: Number.POSITIVE_INFINITY };
  const ports = {
    read: (from: HistoryStart, limit: number) =>
      new Promise<HistoryPage>((resolve, reject) => {
        const settled = () => new Promise<void>((done) => setImmediate(done));
        const answer = (page: HistoryPage) => {
          resolve(page);
          return settled();
        };
        reads.push({ from, limit, answer });
        fail.push((error) => {
          reject(error);
          return settled();
        });
      }),
    record: ({ message }: HistoryRecord) => void given.push(message),
    gap: (reason: string) => void given.push(reason),
    room: () => state.room,
    full: vi.fn(),
    live: vi.fn(),
    failed: vi.fn(),
  };
  const follower = new HistoryFollower(ports);
  return { follower, given, reads, fail, state, ports };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('HistoryFollower', () => {
  it('passes on what follows, without reading', () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('');
    for (const it of records(1, 3)) follower.offer(it);
    expect([given, reads]).toEqual([[1, 2, 3], []]);
    expect(follower.position).toBe('3');
  });

  it('reads what is missing, and gives out what arrived while it read without waiting for more', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('1');
    follower.offer(record(4));
    expect(reads.map(({ from }) => from)).toEqual([{ after: '1' }]);
    for (const it of records(5, 6)) follower.offer(it);
    expect(given).toEqual([]);
    await reads[0]?.answer({ records: records(2, 4), last: '4' });
    expect(given).toEqual([2, 3, 4, 5, 6]);
    expect(reads).toHaveLength(1);
  });

  it('knows what it has read when it arrives afterwards', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('');
    follower.check();
    await reads[0]?.answer({ records: records(1, 5), last: '5' });
    for (const it of records(1, 7)) follower.offer(it);
    expect([given, reads.length]).toEqual([[1, 2, 3, 4, 5, 6, 7], 1]);
  });

  it('looks up what it does not know, and gives nothing twice', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('5');
    follower.offer(record(3));
    await reads[0]?.answer({ records: [], last: '5' });
    follower.offer(record(6));
    expect(given).toEqual([6]);
  });

  it('reads once more when it is told in the middle of reading that something may be missing', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('');
    follower.check();
    follower.check();
    await reads[0]?.answer({ records: [record(1)], last: '1' });
    expect(reads.map(({ from }) => from)).toEqual([{ after: '' }, { after: '1' }]);
    await reads[1]?.answer({ records: [record(2)], last: '2' });
    expect([given, follower.isLive]).toEqual([[1, 2], true]);
  });

  it('reads page after page until it has the end', async () => {
    const { follower, given, reads, ports } = createFollower();
    follower.begin('start');
    await reads[0]?.answer({ records: records(1, 2), last: '3' });
    expect(ports.live).not.toHaveBeenCalled();
    await reads[1]?.answer({ records: [record(3)], last: '3' });
    expect([given, reads.length, ports.live.mock.calls.length]).toEqual([[1, 2, 3], 2, 1]);
  });

  it('keeps a bounded number of records while it reads, and reads the rest', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('');
    follower.check();
    for (const it of records(2, 1_000)) follower.offer(it);
    await reads[0]?.answer({ records: [record(1)], last: '1' });
    expect(reads.map(({ from }) => from)).toEqual([{ after: '' }, { after: '1' }]);
    await reads[1]?.answer({ records: records(2, 512), last: '1000' });
    await reads[2]?.answer({ records: records(513, 1_000), last: '1000' });
    expect(given).toEqual(records(1, 1_000).map(({ message }) => message));
    expect(follower.isLive).toBe(true);
  });

  it('begins behind the end', async () => {
    const { follower, given, reads } = createFollower();
    follower.begin('end');
    await reads[0]?.answer({ records: [], last: '7' });
    for (const it of records(7, 9)) follower.offer(it);
    expect([given, reads.length]).toEqual([[8, 9], 1]);
  });

  it('tells a gap where the history has let go of something, and goes on behind it', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('1');
    follower.offer(record(9));
    await reads[0]?.answer({ records: records(8, 9), last: '9', gap: 'trimmed' });
    follower.offer(record(10));
    expect(given).toEqual(['trimmed', 8, 9, 10]);
  });

  it('tells a gap where a record read does not follow the one before', async () => {
    const { follower, given, reads } = createFollower();
    follower.begin('start');
    await reads[0]?.answer({ records: [record(1), record(3)], last: '3' });
    expect(given).toEqual([1, 'reset', 3]);
  });

  it('tells a gap where the end of the history can not be read', async () => {
    const { follower, given, reads } = createFollower();
    follower.beginLive('1');
    follower.check();
    await reads[0]?.answer({ records: [], last: '5' });
    await reads[1]?.answer({ records: [], last: '5' });
    follower.offer(record(6));
    expect(given).toEqual(['reset', 6]);
  });

  it('tells the losses a history knows of', () => {
    const { follower, given } = createFollower();
    follower.beginLive('');
    for (const it of [record(1), loss(2), record(3)]) follower.offer(it);
    expect(given).toEqual([1, 'reset', 3]);
  });

  it('tells once what it finds at one place in one page', async () => {
    const { follower, given, reads } = createFollower();
    follower.begin({ after: 'x' });
    const page = [loss(1), loss(2), record(3), loss(4)];
    await reads[0]?.answer({ records: page, last: '4', gap: 'reset' });
    expect(given).toEqual(['reset', 3, 'reset']);
  });

  it('tells each time what happens at one place at several times, as a reader may have looked between', () => {
    const { follower, given } = createFollower();
    follower.beginLive('');
    for (const it of [record(1), loss(2), loss(3)]) follower.offer(it);
    expect(given).toEqual([1, 'reset', 'reset']);
  });

  it('waits for room, and reads what came meanwhile', async () => {
    const { follower, given, reads, state, ports } = createFollower();
    follower.beginLive('');
    follower.offer(record(1));
    state.room = 0;
    for (const it of records(2, 5)) follower.offer(it);
    expect(ports.full).toHaveBeenCalledTimes(1);
    follower.check();
    expect(reads).toEqual([]);
    state.room = 3;
    follower.resume();
    expect(reads.map(({ from, limit }) => [from, limit])).toEqual([[{ after: '1' }, 3]]);
    await reads[0]?.answer({ records: records(2, 4), last: '5' });
    await reads[1]?.answer({ records: [record(5)], last: '5' });
    expect(given).toEqual([1, 2, 3, 4, 5]);
  });

  it('tries again where the history can not be reached', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { follower, given, reads, fail, ports } = createFollower();
    follower.begin('start');
    await fail[0]?.(new BusUnavailableError('gone'));
    follower.offer(record(2));
    vi.advanceTimersByTime(1_000);
    await reads[1]?.answer({ records: records(1, 1), last: '1' });
    expect([given, reads.length, ports.failed.mock.calls]).toEqual([[1, 2], 2, []]);
  });

  it('fails where the history can never be read', async () => {
    const { follower, fail, ports } = createFollower();
    const error = new Error('WRONGTYPE');
    follower.begin('start');
    await fail[0]?.(error);
    expect(ports.failed.mock.calls).toEqual([[error]]);
  });

  it('gives nothing when it is closed, in the middle of a page either', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { follower, given, reads, ports } = createFollower();
    ports.record = ({ message }) => {
      given.push(message);
      if (message === 2) follower.close();
    };
    follower.begin('start');
    await reads[0]?.answer({ records: records(1, 4), last: '9' });
    follower.offer(record(3));
    follower.check();
    follower.resume();
    expect([given, reads.length, vi.getTimerCount()]).toEqual([[1, 2], 1, 0]);
  });

  it('leaves no timer when it is closed while it waits to try again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { follower, fail } = createFollower();
    follower.begin('start');
    await fail[0]?.(new BusUnavailableError('gone'));
    follower.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
