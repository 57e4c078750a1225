import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterLogMember } from './cluster-log-member.js';
import {
  appendOf,
  arrived,
  ClusterLogRoom,
  checkWaited,
  LEASE_MS,
  sharedNow,
  until,
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

describe('A cluster log of three processes', () => {
  it('resolves an append when all of them have applied the entry, quickly', async () => {
    await room.openAll();
    await room.settle();
    await two.append(['a']);
    for (const { entries } of await room.reports()) expect(entries).toEqual(['first', 'a']);
    const { error, tookMs } = appendOf('a', await room.checkPromise());
    expect(error).toBeUndefined();
    expect(tookMs).toBeLessThan(LEASE_MS);
  });

  it('has one order for what all of them append at once', async () => {
    await room.openAll();
    await room.settle();
    await Promise.all(
      room.members.map((it, i) => {
        const entries = Array.from({ length: 100 }, (_, n) => `${i}:${n}`);
        return it.append(entries, 300);
      }),
    );
    const [first, ...others] = await room.reports();
    expect(new Set(first?.entries).size).toBe(301);
    for (const { entries } of others) expect(entries).toEqual(first?.entries);
    const appended = await room.checkPromise();
    expect(appended.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('waits for the lease of one that was killed, and then for it no more', async () => {
    await room.openAll();
    await room.settle();
    const killedAt = sharedNow();
    await three.kill();
    await one.append(['a']);
    const { error, endedAt } = appendOf('a', await room.checkPromise());
    expect(error).toBeUndefined();
    expect(endedAt - killedAt).toBeGreaterThan(LEASE_MS / 2);
    await two.append(['b']);
    expect(appendOf('b', await room.checkPromise()).tookMs).toBeLessThan(LEASE_MS);
  });

  it('holds its promise for one that is stopped and woken', async () => {
    await room.openAll();
    await room.settle();
    three.freeze();
    await one.append(['a']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    three.thaw();
    await arrived(three, 'a');
    await until(three, true);
    expect(appendOf('a', await room.checkPromise()).error).toBeUndefined();
    expect((await three.report()).events).toEqual(['lost', 'regained']);
  });

  it('holds its promise for one that is cut off', async () => {
    await Promise.all([room.open(one), room.open(two)]);
    const proxy = await room.openBehindProxy(three);
    await room.settle();
    const cutAt = sharedNow();
    proxy.hold();
    await one.append(['a']);
    await checkWaited(three, cutAt, appendOf('a', await room.checkPromise()));
    expect((await three.report()).events).toEqual(['lost']);
    proxy.release();
    await arrived(three, 'a');
    await until(three, true);
    await room.checkPromise();
    expect((await three.report()).events).toEqual(['lost', 'regained']);
  });

  it('gives what was missed to one that was away, in order', async () => {
    await Promise.all([room.open(one), room.open(two)]);
    const proxy = await room.openBehindProxy(three);
    await room.settle();
    proxy.hold();
    await one.append(['a']);
    await one.append(['b']);
    await two.append(['c']);
    proxy.release();
    await arrived(three, 'a', 'b', 'c');
    await room.checkPromise();
  });

  it('gives an entry to the others when its server is killed right after it recorded it', async () => {
    await room.open(one);
    const proxies = [await room.openBehindProxy(two), await room.openBehindProxy(three)];
    await room.settle();
    for (const proxy of proxies) proxy.hold();
    void one.append(['a']);
    await room.recorded(2);
    await one.kill();
    for (const proxy of proxies) proxy.release();
    await Promise.all([arrived(two, 'a'), arrived(three, 'a')]);
    await room.checkPromise();
  });

  it('gives an entry that is being waited for to one that joins, before it is ready', async () => {
    await room.open(one);
    const proxy = await room.openBehindProxy(two);
    await room.settle();
    proxy.hold();
    const appended = one.append(['a']);
    await room.recorded(2);
    await room.open(three);
    expect((await three.report()).entries).toEqual(['first', 'a']);
    expect((await one.report()).appended).toHaveLength(1);
    await appended;
    expect(appendOf('a', await room.checkPromise()).error).toBeUndefined();
  });

  it('makes good at the next beat what nobody was woken for', async () => {
    const proxy = await room.startProxy();
    const deaf = { subscribeUrl: proxy.url, probeIntervalMs: 60_000 };
    await Promise.all([room.open(one), room.open(two, deaf), room.open(three, deaf)]);
    await room.settle();
    proxy.hold();
    await one.append(['a']);
    await two.append(['b']);
    const appended = await room.checkPromise();
    for (const entry of ['a', 'b']) {
      expect(appendOf(entry, appended).error).toBeUndefined();
      expect(appendOf(entry, appended).tookMs).toBeLessThan(LEASE_MS);
    }
    for (const { events } of await room.reports()) expect(events).toEqual([]);
  });
});
