import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClusterLogMember } from './cluster-log-member.js';
import {
  appendOf,
  arrived,
  ClusterLogRoom,
  checkWaited,
  LEASE_MS,
  MARGIN_MS,
  sharedNow,
  until,
  WAIT,
} from './cluster-log-room.js';

let room: ClusterLogRoom;
let one: ClusterLogMember;
let two: ClusterLogMember;
let three: ClusterLogMember;

beforeAll(async () => {
  room = await ClusterLogRoom.start();
});

afterAll(() => room.stop());

beforeEach(async () => {
  [one, two, three] = await room.enter();
});

afterEach(() => room.leave());

describe('A cluster log whose Redis fails', () => {
  it('rejects what is appended while Redis is gone, and nobody is current for longer than a lease', async () => {
    await room.openAll();
    await room.settle();
    await room.redis.kill();
    await one.append(['a']);
    const { error, tookMs } = appendOf('a', await room.checkPromise());
    expect(error).toBe('BusUnavailableError');
    expect(tookMs).toBeLessThan(LEASE_MS);
    for (const member of room.members) await until(member, false);
    await room.redis.restart();
    for (const member of room.members) await until(member, true);
    for (const { events } of await room.reports()) {
      expect(events).toEqual(['lost', 'regained in part']);
    }
    await two.append(['b']);
    expect(appendOf('b', await room.checkPromise()).error).toBeUndefined();
  });

  it('rejects what Redis does not answer', async () => {
    // Without the probe, which would give the connection up.
    const unprobed = { probeIntervalMs: 60_000 };
    await Promise.all([room.open(one, unprobed), room.open(two, unprobed)]);
    await room.settle();
    room.redis.freeze();
    await one.append(['a']);
    const { error, tookMs } = appendOf('a', await room.checkPromise());
    expect(error).toBe('BusUnavailableError');
    expect(tookMs).toBeLessThan(LEASE_MS);
    room.redis.thaw();
    await two.append(['b']);
    await room.checkPromise();
  });

  it('rejects in bounded time what is recorded and then can not be confirmed', async () => {
    await room.open(one);
    const proxy = await room.openBehindProxy(two);
    await room.settle();
    proxy.hold();
    const appended = one.append(['a']);
    await room.recorded(2);
    await room.redis.kill();
    await appended;
    const { error, tookMs } = appendOf('a', await room.checkPromise());
    expect(error).toBe('BusUnavailableError');
    expect(tookMs).toBeLessThan(LEASE_MS + MARGIN_MS + 1_500);
    await room.redis.restart();
  });

  it('goes on without a word where Redis loses everything and is back within the lease', async () => {
    // One that is long enough for a machine with much else to do.
    await Promise.all(room.members.map((it) => room.open(it, { leaseMs: 2_000 })));
    await room.settle();
    await room.restartRedis();
    await room.append('a');
    await room.checkPromise();
    for (const { events, isCurrent } of await room.reports()) {
      expect([events, isCurrent]).toEqual([[], true]);
    }
  });

  it('records again what Redis has lost, for those who come later', async () => {
    await Promise.all([room.open(one), room.open(two)]);
    await room.settle();
    await one.append(['a', 'b']);
    await room.restartRedis();
    await room.recorded(3);
    await room.open(three);
    const [first, ...others] = await room.reports();
    expect(new Set(first?.entries)).toEqual(new Set(['first', 'a', 'b']));
    for (const { entries } of others) expect(entries).toEqual(first?.entries);
    await room.checkPromise();
  });

  it.each([
    ['is restarted without its data', () => room.restartRedis()],
    ['is flushed', () => room.redis.command('FLUSHALL')],
    ['has evicted the members', () => room.redis.command('DEL', `${room.key}:members`)],
  ])('does not forget one that is cut off when Redis %s', async (_, lose) => {
    await Promise.all([room.open(one), room.open(two)]);
    const proxy = await room.openBehindProxy(three);
    await room.settle();
    const cutAt = sharedNow();
    proxy.hold();
    await lose();
    await checkWaited(three, cutAt, await room.append('a'));
    proxy.release();
    await until(three, true);
    const { entries, events } = await three.report();
    expect(new Set(entries)).toEqual(new Set(['first', 'a']));
    expect(events).toEqual(['lost', 'regained in part']);
    await room.checkPromise();
  });

  it.each(['', ':entries', ':members', ':confirmed'])(
    'begins a new epoch when Redis has evicted the key that ends in "%s"',
    async (part) => {
      await room.open(one);
      await one.append(['a', 'b']);
      const before = await room.redis.command('HGET', room.key, 'epoch');
      await room.redis.command('DEL', room.key + part);
      await vi.waitFor(async () => {
        const now = await room.redis.command('HGET', room.key, 'epoch');
        expect(now).toMatch(/^\$16/);
        expect(now).not.toBe(before);
      }, WAIT);
      await room.recorded(2);
      await one.append(['c']);
      await room.open(two);
      expect((await two.report()).entries).toEqual((await one.report()).entries);
      await room.checkPromise();
    },
  );

  it('keeps an entry that is waited for when Redis is restarted without its data', async () => {
    await Promise.all([room.open(one), room.open(two)]);
    const proxy = await room.openBehindProxy(three);
    await room.settle();
    const cutAt = sharedNow();
    proxy.hold();
    const appended = one.append(['a']);
    await arrived(two, 'a');
    await room.restartRedis();
    await appended;
    const { error, ...rest } = appendOf('a', await room.checkPromise());
    if (error === undefined) await checkWaited(three, cutAt, { error, ...rest });
    proxy.release();
    await arrived(three, 'a');
    await arrived(two, 'a');
    await room.checkPromise();
  });

  it('does not forget one that joined when the tail of the data is lost', async () => {
    await Promise.all([room.open(one), room.open(two)]);
    await room.settle();
    await room.redis.command('SAVE');
    const proxy = await room.openBehindProxy(three);
    const cutAt = sharedNow();
    proxy.hold();
    await room.restartRedis();
    await checkWaited(three, cutAt, await room.append('a'));
    await room.redis.command('FLUSHALL');
    await room.redis.command('SAVE');
  });
});
