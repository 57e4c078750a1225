import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterLogMember } from './cluster-log-member.js';
import type { Appended, LogConfig, LogReport } from './cluster-log-process.js';
import { RedisServerProcess } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

const LEASE_MS = 1_200;
/** What those who wait for a lease's end add to it. */
const MARGIN_MS = 100 + LEASE_MS / 100;
const WAIT = { timeout: 15_000, interval: 10 };

let server: RedisServerProcess;
let members: ClusterLogMember[] = [];
let one: ClusterLogMember;
let two: ClusterLogMember;
let three: ClusterLogMember;
let name: string;
let folder: string;
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cluster-log-'));
  server = await RedisServerProcess.start(['--dir', folder]);
});

afterAll(async () => {
  for (const member of members) await member.kill();
  await server.stop();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  name = randomBytes(4).toString('hex');
  const started = await Promise.all(
    [0, 1, 2].map((i) => (members[i]?.isRunning ? members[i] : ClusterLogMember.start())),
  );
  members = started as ClusterLogMember[];
  [one, two, three] = started as [ClusterLogMember, ClusterLogMember, ClusterLogMember];
});

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.stop();
  server.thaw();
  for (const member of members.filter(({ isRunning }) => isRunning)) {
    member.thaw();
    await member.close();
  }
});

async function startProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  proxies.push(proxy);
  return proxy;
}

function open(member: ClusterLogMember, config: Partial<LogConfig> = {}): Promise<void> {
  const { url } = server;
  const places = { publishUrl: url, subscribeUrl: url };
  return member.open({ name, leaseMs: LEASE_MS, probeIntervalMs: 200, ...places, ...config });
}

/** Through a proxy, which may swallow everything. */
async function openBehindProxy(member: ClusterLogMember): Promise<TcpProxy> {
  const proxy = await startProxy();
  await open(member, { publishUrl: proxy.url, subscribeUrl: proxy.url });
  return proxy;
}

/** The log is trusted from then on: nobody has a lease that it doesn't know of. */
async function settle(): Promise<void> {
  await one.append(['first']);
  expect((await one.report()).appended[0]?.error).toBeUndefined();
}

async function reports(): Promise<LogReport[]> {
  const running = members.filter(({ isRunning }) => isRunning);
  return Promise.all(running.map((it) => it.report()));
}

async function arrived(member: ClusterLogMember, ...entries: string[]): Promise<void> {
  await vi.waitFor(
    async () => expect((await member.report()).entries).toEqual(['first', ...entries]),
    WAIT,
  );
}

async function until(member: ClusterLogMember, isCurrent: boolean): Promise<void> {
  await vi.waitFor(async () => expect((await member.report()).isCurrent).toBe(isCurrent), WAIT);
}

/** When a server was last current without this entry, by the shared clock. */
function lastCurrentWithout(entry: string, { entries, lastCurrentAt }: LogReport): number {
  const place = entries.indexOf(entry);
  const before = place < 0 ? lastCurrentAt : lastCurrentAt.slice(0, place + 1);
  return Math.max(...before.map((at) => at ?? 0));
}

/** What the log promises: an append that has resolved finds nobody current who knows nothing of it. */
async function checkPromise(): Promise<Appended[]> {
  const all = await reports();
  const appended = all.flatMap((it) => it.appended);
  const broken = appended
    .filter(({ error }) => error === undefined)
    .filter(({ entry, endedAt }) => all.some((it) => lastCurrentWithout(entry, it) > endedAt));
  expect(broken).toEqual([]);
  for (const { entries } of all) expect(new Set(entries).size).toBe(entries.length);
  return appended;
}

function appendOf(entry: string, all: readonly Appended[]): Appended & { readonly tookMs: number } {
  const found = all.find((it) => it.entry === entry);
  if (found === undefined) throw new Error(`nobody has appended ${entry}`);
  return { ...found, tookMs: found.endedAt - found.beganAt };
}

/** The promise held while one server was cut off: the append waited for its lease. */
async function checkWaited(cutOff: ClusterLogMember, cutAt: number): Promise<void> {
  const appended = appendOf('a', await checkPromise());
  // It was current for most of the time: an answer at once would have been a false one.
  const lastAt = lastCurrentWithout('a', await cutOff.report());
  expect(lastAt - cutAt).toBeGreaterThan(LEASE_MS / 4);
  expect(appended.endedAt).toBeGreaterThan(lastAt);
}

function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

describe('A cluster log of three processes', () => {
  it('resolves an append when all of them have applied the entry, quickly', async () => {
    await Promise.all(members.map((it) => open(it)));
    await settle();
    await two.append(['a']);
    for (const { entries } of await reports()) expect(entries).toEqual(['first', 'a']);
    const { error, tookMs } = appendOf('a', await checkPromise());
    expect(error).toBeUndefined();
    expect(tookMs).toBeLessThan(LEASE_MS / 4);
  });

  it('has one order for what all of them append at once', async () => {
    await Promise.all(members.map((it) => open(it)));
    await settle();
    await Promise.all(
      members.map((it, i) => {
        const entries = Array.from({ length: 100 }, (_, n) => `${i}:${n}`);
        return it.append(entries, 300);
      }),
    );
    const [first, ...others] = await reports();
    expect(first?.entries).toHaveLength(301);
    for (const { entries } of others) expect(entries).toEqual(first?.entries);
    const appended = await checkPromise();
    expect(appended.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('waits for the lease of one that was killed, and then for it no more', async () => {
    await Promise.all(members.map((it) => open(it)));
    await settle();
    const killedAt = sharedNow();
    await three.kill();
    await one.append(['a']);
    const { error, endedAt } = appendOf('a', await checkPromise());
    expect(error).toBeUndefined();
    expect(endedAt - killedAt).toBeGreaterThan(LEASE_MS / 2);
    await two.append(['b']);
    expect(appendOf('b', await checkPromise()).tookMs).toBeLessThan(LEASE_MS / 2);
  });

  it('holds its promise for one that is stopped and woken', async () => {
    await Promise.all(members.map((it) => open(it)));
    await settle();
    three.freeze();
    await one.append(['a']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    three.thaw();
    await arrived(three, 'a');
    await until(three, true);
    const appended = await checkPromise();
    expect(appendOf('a', appended).error).toBeUndefined();
    expect((await three.report()).events).toEqual(['lost', 'regained']);
  });

  it('holds its promise for one that is cut off', async () => {
    await Promise.all([open(one), open(two)]);
    const proxy = await openBehindProxy(three);
    await settle();
    const cutAt = sharedNow();
    proxy.hold();
    await one.append(['a']);
    await checkWaited(three, cutAt);
    expect((await three.report()).events).toEqual(['lost']);
    proxy.release();
    await arrived(three, 'a');
    await until(three, true);
    await checkPromise();
    expect((await three.report()).events).toEqual(['lost', 'regained']);
  });

  it('gives what was missed to one that was away, in order', async () => {
    await Promise.all([open(one), open(two)]);
    const proxy = await openBehindProxy(three);
    await settle();
    proxy.hold();
    await one.append(['a']);
    await one.append(['b']);
    await two.append(['c']);
    proxy.release();
    await arrived(three, 'a', 'b', 'c');
    await checkPromise();
  });

  it('gives an entry to the others when its server is killed right after it recorded it', async () => {
    await open(one);
    const [second, third] = [await openBehindProxy(two), await openBehindProxy(three)];
    await settle();
    second.hold();
    third.hold();
    void one.append(['a']);
    await recorded(2);
    await one.kill();
    second.release();
    third.release();
    await Promise.all([arrived(two, 'a'), arrived(three, 'a')]);
    await checkPromise();
  });

  it('gives an entry that is being waited for to one that joins, before it is ready', async () => {
    await open(one);
    const proxy = await openBehindProxy(two);
    await settle();
    proxy.hold();
    const appended = one.append(['a']);
    await recorded(2);
    await open(three);
    expect((await three.report()).entries).toEqual(['first', 'a']);
    expect((await one.report()).appended).toHaveLength(1);
    await appended;
    expect(appendOf('a', await checkPromise()).error).toBeUndefined();
  });

  it('makes good at the next beat what nobody was woken for', async () => {
    const proxy = await startProxy();
    const deaf = { subscribeUrl: proxy.url, probeIntervalMs: 60_000 };
    await Promise.all([open(one), open(two, deaf), open(three, deaf)]);
    await settle();
    proxy.hold();
    await one.append(['a']);
    await two.append(['b']);
    const appended = await checkPromise();
    for (const entry of ['a', 'b']) {
      expect(appendOf(entry, appended).error).toBeUndefined();
      expect(appendOf(entry, appended).tookMs).toBeLessThan(LEASE_MS / 2);
    }
    for (const { events } of await reports()) expect(events).toEqual([]);
  });
});

describe('A cluster log whose Redis fails', () => {
  it('rejects what is appended while Redis is gone, and holds everybody until it is back', async () => {
    await Promise.all(members.map((it) => open(it)));
    await settle();
    await server.kill();
    await one.append(['a']);
    const appended = appendOf('a', await checkPromise());
    expect(appended.error).toBe('BusUnavailableError');
    expect(appended.tookMs).toBeLessThan(LEASE_MS / 2);
    for (const member of members) await until(member, false);
    await server.restart();
    for (const member of members) await until(member, true);
    for (const { events } of await reports()) expect(events).toEqual(['lost', 'regained in part']);
    await two.append(['b']);
    expect(appendOf('b', await checkPromise()).error).toBeUndefined();
  });

  it('rejects what Redis does not answer, and what it answers too late', async () => {
    await Promise.all([open(one), open(two)]);
    await settle();
    server.freeze();
    await one.append(['a']);
    const appended = appendOf('a', await checkPromise());
    expect(appended.error).toBe('BusUnavailableError');
    expect(appended.tookMs).toBeLessThan(LEASE_MS / 2);
    server.thaw();
    await two.append(['b']);
    await checkPromise();
  });

  it('rejects in bounded time what is recorded and then can not be confirmed', async () => {
    await open(one);
    const proxy = await openBehindProxy(two);
    await settle();
    proxy.hold();
    const appended = one.append(['a']);
    await recorded(2);
    await server.kill();
    await appended;
    const { error, tookMs } = appendOf('a', await checkPromise());
    expect(error).toBe('BusUnavailableError');
    expect(tookMs).toBeLessThan(LEASE_MS + MARGIN_MS + 1_500);
    await server.restart();
  });

  it('goes on without a word where Redis loses everything and is back within the lease', async () => {
    await Promise.all(members.map((it) => open(it)));
    await settle();
    await server.kill();
    await server.restart();
    await one.append(['a']).catch(() => {});
    await two.append(['b']);
    await checkPromise();
    for (const { events, isCurrent } of await reports()) {
      expect([events, isCurrent]).toEqual([[], true]);
    }
  });

  it('records again what Redis has lost, for those who come later', async () => {
    await Promise.all([open(one), open(two)]);
    await settle();
    await one.append(['a', 'b']);
    await server.kill();
    await server.restart();
    await recorded(3);
    await open(three);
    expect((await three.report()).entries).toEqual((await one.report()).entries);
    await checkPromise();
  });

  it.each([
    ['is restarted without its data', () => restart()],
    ['is flushed', () => server.command('FLUSHALL')],
    ['has evicted the members', () => server.command('DEL', `${key()}:members`)],
  ])('does not forget one that is cut off when Redis %s', async (_, lose) => {
    await Promise.all([open(one), open(two)]);
    const proxy = await openBehindProxy(three);
    await settle();
    const cutAt = sharedNow();
    proxy.hold();
    await lose();
    await vi.waitFor(async () => {
      await one.append(['a']);
      const last = (await one.report()).appended.at(-1);
      expect(last?.error).toBeUndefined();
    }, WAIT);
    const appended = (await one.report()).appended.filter(({ error }) => error === undefined);
    const lastAt = lastCurrentWithout('a', await three.report());
    expect(lastAt - cutAt).toBeGreaterThan(LEASE_MS / 4);
    expect(appended.at(-1)?.endedAt).toBeGreaterThan(lastAt);
    proxy.release();
    await until(three, true);
    const { entries, events } = await three.report();
    expect([new Set(entries), events]).toEqual([
      new Set(['first', 'a']),
      ['lost', 'regained in part'],
    ]);
  });

  it.each(['', ':entries', ':members', ':confirmed'])(
    'begins a new epoch when Redis has evicted the key that ends in "%s"',
    async (part) => {
      await open(one);
      await one.append(['a', 'b']);
      const before = await server.command('HGET', key(), 'epoch');
      await server.command('DEL', key() + part);
      await vi.waitFor(async () => {
        const now = await server.command('HGET', key(), 'epoch');
        expect(now).toMatch(/^\$16/);
        expect(now).not.toBe(before);
        expect(await server.command('ZCARD', `${key()}:entries`)).toBe(':2');
      }, WAIT);
      await one.append(['c']);
      await open(two);
      expect((await two.report()).entries).toEqual((await one.report()).entries);
      await checkPromise();
    },
  );

  it('keeps an entry that is waited for when Redis is restarted without its data', async () => {
    await Promise.all([open(one), open(two)]);
    const proxy = await openBehindProxy(three);
    await settle();
    const cutAt = sharedNow();
    proxy.hold();
    const appended = one.append(['a']);
    await arrived(two, 'a');
    await restart();
    await appended;
    await checkWaited(three, cutAt);
    proxy.release();
    await arrived(three, 'a');
    await checkPromise();
  });

  it('does not forget one that joined when the tail of the data is lost', async () => {
    await Promise.all([open(one), open(two)]);
    await settle();
    await server.command('SAVE');
    const proxy = await openBehindProxy(three);
    const cutAt = sharedNow();
    proxy.hold();
    await restart();
    await vi.waitFor(async () => {
      await one.append(['a']);
      expect((await one.report()).appended.at(-1)?.error).toBeUndefined();
    }, WAIT);
    const lastAt = lastCurrentWithout('a', await three.report());
    expect(lastAt - cutAt).toBeGreaterThan(LEASE_MS / 4);
    expect((await one.report()).appended.at(-1)?.endedAt).toBeGreaterThan(lastAt);
    await server.command('FLUSHALL');
    await server.command('SAVE');
  });
});

/** Redis has so many entries. */
async function recorded(entries: number): Promise<void> {
  await vi.waitFor(async () => {
    expect(await server.command('ZCARD', `${key()}:entries`)).toBe(`:${entries}`);
  }, WAIT);
}

function key(): string {
  return `nestjs-streaming:log:{${name}}`;
}

async function restart(): Promise<void> {
  await server.kill();
  await server.restart();
}
