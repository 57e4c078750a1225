import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AuthOptions } from '../../lib/index.js';
import { type RaceResult, RaceRoom, SETUP_MS, TIMES } from './race-room.js';
import { jitter, pick, type Racer } from './racer.js';
import { pause, sharedNow } from './token.js';

const SHORT = { leaseMs: 2_000 };
/** A lease of five seconds: a server that is stopped for ten is over it. */
const STRICT: AuthOptions = { strict: true };
const STRICT_MS = 5_000;
const STOP_MS = 10_000;
/** Where a server is over its lease with items gathered, a call ends with its connection. */
const ENDS = ['revoked', 'connection-lost'];
/** And those that are opened then; a value may have come before. */
const LATER_ENDS = [
  'ended',
  'unavailable',
  'unauthenticated',
  'permission-denied',
  'connect-failed',
  'connect-timeout',
];

let room: RaceRoom;

beforeAll(async () => {
  room = await RaceRoom.start();
}, SETUP_MS);

afterAll(() => room.stop(), SETUP_MS);

afterEach(() => room.leave(), SETUP_MS);

/** Racers with calls on all servers, all of which write. */
async function flowing(count: number): Promise<Racer[]> {
  const racers = await room.racers(count);
  for (const racer of racers) {
    // Some have items gathered and not sent, or on their way, at any time.
    const token = pick([{ issuedAt: Date.now() }, {}]);
    racer.plan = { ...token, guardMs: jitter(10), pauseMs: 20, burst: pick([1, 1, 10]) };
    racer.openAll(['secrets', 'own']);
    racer.upload(2);
  }
  await Promise.all(racers.flatMap(({ calls }) => calls.map((call) => call.flowing)));
  return racers;
}

/** One each, at its own time, on a server that is not the one that something is wrong with. */
function revokeAll(racers: readonly Racer[], servers: readonly number[], overMs: number) {
  return Promise.all(racers.map((racer) => racer.revoke(pick(servers), jitter(overMs))));
}

/** More calls of them on the server that something is wrong with, on what is open and on what is not. */
function openMore(racers: readonly Racer[], overMs: number) {
  return Promise.all(
    racers.map(async (racer, n) => {
      await pause(1 + jitter(overMs));
      const client = n % 2 === 0 ? racer.clients[2] : racer.client(2);
      if (client !== undefined) racer.open(client, racer.method());
    }),
  );
}

function expectEnds({ items, ends }: RaceResult, ...otherEnds: string[]): void {
  const known = [...ENDS, ...otherEnds];
  expect(Object.keys(ends).filter((it) => !known.includes(it))).toEqual([]);
  expect(ends['revoked']).toBeGreaterThan(0);
  expect(items).toBeGreaterThan(0);
}

function errorsOf(racers: readonly Racer[]): string[] {
  return racers.flatMap(({ revocation }) => revocation?.error ?? []);
}

describe('After a revocation resolved, none of three servers writes an item of its calls', () => {
  it('where the revoking server was killed right after it had recorded it', async () => {
    // Twice, fifty users each: some were recorded by then, some may not have been.
    for (let round = 0; round < 2; round++) {
      await room.enter();
      await room.openAll(SHORT);
      const racers = await flowing(TIMES / 2);
      for (const racer of racers) racer.revoke(2, jitter(60)).catch(() => {});
      await room.recorded(racers, 1 + Math.floor(jitter(racers.length - 1)));
      await room.server(2).kill();
      const known = await room.recordedOf(racers);
      await Promise.all(known.map((racer) => racer.ends()));
      // Whoever asked doesn't know which: it asks another server, of all of them.
      await revokeAll(racers, [0, 1], 100);
      expect(errorsOf(racers)).toEqual([]);
      expectEnds(await room.judge('the revoking server killed', racers));
      await room.leave();
    }
  }, 60_000);

  it('where the message of it was lost', async () => {
    // Half of them where two servers hear nothing at all, and half where connections that hear break.
    await room.enter();
    const proxy = await room.startProxy();
    const deaf = { subscribeUrl: proxy.url, probeIntervalMs: 60_000 };
    await Promise.all([room.open(0, SHORT), room.open(1, SHORT, deaf), room.open(2, SHORT, deaf)]);
    const [first, second] = [await flowing(TIMES / 2), await flowing(TIMES / 2)];
    const breaking = setInterval(() => void room.breakSubscriptions(), 20);
    await revokeAll(first, [0, 1, 2], 1_500);
    clearInterval(breaking);
    proxy.hold();
    await revokeAll(second, [0, 1, 2], 1_500);
    const result = await room.judge('the message lost', [...first, ...second]);
    expect(errorsOf([...first, ...second])).toEqual([]);
    expect(result.resolved).toBe(TIMES);
    expectEnds(result);
  }, 60_000);

  it('where a server was cut off from Redis', async () => {
    // Twice, fifty users each, over the time from before the cut until long after its lease.
    await room.enter();
    const proxy = await room.startProxy();
    const cut = { publishUrl: proxy.url, subscribeUrl: proxy.url };
    await Promise.all([room.open(0, SHORT), room.open(1, SHORT), room.open(2, SHORT, cut)]);
    for (let round = 0; round < 2; round++) {
      const racers = await flowing(TIMES / 2);
      const revoking = revokeAll(racers, [0, 1], 4_000);
      await pause(1 + jitter(100));
      proxy.hold();
      await Promise.all([revoking, openMore(racers, 4_000)]);
      proxy.release();
      const result = await room.judge('a server cut off', racers);
      expect(errorsOf(racers)).toEqual([]);
      expect(result.resolved).toBe(TIMES / 2);
      expectEnds(result, ...LATER_ENDS);
    }
  }, 60_000);

  it('where a server was stopped for ten seconds and woken', async () => {
    // Once, a hundred users, over the time from before the stop until after it.
    await room.enter();
    await room.openAll(STRICT);
    const racers = await flowing(TIMES);
    const revoking = revokeAll(racers, [0, 1], STOP_MS + 500);
    await pause(1 + jitter(100));
    const stoppedAt = sharedNow();
    room.server(2).freeze();
    await Promise.all([pause(STOP_MS), openMore(racers, STOP_MS)]);
    room.server(2).thaw();
    const wokenAt = sharedNow();
    await revoking;
    // It was stopped at one place, which may lie between its last look at the clock and the socket.
    const result = await room.judge('a server stopped for ten seconds', racers, 1);
    expect(errorsOf(racers)).toEqual([]);
    expect(result.resolved).toBe(TIMES);
    expectEnds(result, ...LATER_ENDS);
    const during = racers.map((it) => it.revocation?.endedAt ?? 0).filter((it) => it < wokenAt);
    expect(during.some((it) => it - stoppedAt > STRICT_MS / 2)).toBe(true);
  }, 60_000);
});
