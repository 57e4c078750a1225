import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RaceClient } from './race-call.js';
import { type RaceResult, RaceRoom, SETUP_MS, TIMES } from './race-room.js';
import { jitter, pick, type Racer } from './racer.js';
import { GRANTS, pause } from './token.js';

/** A server that is slow for a while keeps its lease. */
const AUTH = { leaseMs: 20_000 };

let room: RaceRoom;

beforeAll(async () => {
  room = await RaceRoom.start();
  await room.enter();
  await room.openAll(AUTH);
}, SETUP_MS);

afterAll(async () => {
  await room.leave();
  await room.stop();
}, SETUP_MS);

/** All revocations resolved, and all calls were ended by them; a value may have come before. */
function expectRevoked({ resolved, items, ends }: RaceResult, ...otherEnds: string[]): void {
  expect(resolved).toBe(TIMES);
  expect(items).toBeGreaterThan(0);
  expect(ends['revoked']).toBeGreaterThan(ends['ended'] ?? 0);
  const known = ['revoked', 'unauthenticated', 'permission-denied', 'ended', ...otherEnds];
  expect(Object.keys(ends).filter((it) => !known.includes(it))).toEqual([]);
}

/** Without a look at the grants, as a JWT; or with one. */
function issuedAt(): { issuedAt: number } | Record<string, never> {
  return pick([{ issuedAt: Date.now() }, {}]);
}

async function begin(racer: Racer): Promise<void> {
  racer.openAll();
  await racer.revoked();
}

/** How many items it got of a call that goes on. */
async function firstItems(client: RaceClient, user: string): Promise<number> {
  let count = 0;
  for await (const _ of client.race.secrets(`${user}/again`)) {
    count += 1;
    if (count === 3) break;
  }
  return count;
}

describe('After a revocation resolved, none of three servers writes an item of its calls', () => {
  it('where it came while the authenticator worked', async () => {
    const result = await room.race({
      title: 'while the authenticator works',
      atOnce: 10,
      run: async (racer) => {
        racer.plan = { ...issuedAt(), authenticatorMs: jitter(16) };
        racer.trigger = { at: 'asked', afterMs: jitter(12) };
        await begin(racer);
      },
    });
    expectRevoked(result);
  });

  it('where it came between the answer of the authenticator and the open', async () => {
    const result = await room.race({
      title: 'between the answer and the open',
      atOnce: 10,
      run: async (racer) => {
        racer.plan = issuedAt();
        racer.trigger = { at: 'answering', afterMs: jitter(6) };
        const open = async (server: number) => {
          const client = racer.client(server);
          await client.race.who();
          await pause(jitter(6));
          racer.open(client, racer.method());
        };
        await Promise.all([0, 1, 2].map(open));
        await racer.revoked();
      },
    });
    expectRevoked(result);
  });

  it('where it came while a guard thought', async () => {
    const result = await room.race({
      title: 'while a guard thinks',
      atOnce: 10,
      run: async (racer) => {
        racer.plan = { ...issuedAt(), guardMs: jitter(16) };
        racer.trigger = {
          at: racer.kind === 'scopes' ? 'started' : 'guarding',
          afterMs: jitter(12),
        };
        racer.openAll(['own']);
        await racer.revoked();
      },
    });
    expectRevoked(result);
  });

  it("where it came between the guard's yes and the first item", async () => {
    const result = await room.race({
      title: "between the guard's yes and the first item",
      atOnce: 10,
      run: async (racer) => {
        racer.plan = { ...issuedAt(), firstMs: jitter(8) };
        racer.trigger = { at: 'started', afterMs: jitter(4) };
        await begin(racer);
      },
    });
    expectRevoked(result);
  });

  it('where it came with items in the queue', async () => {
    const result = await room.race({
      title: 'with items in the queue',
      atOnce: 4,
      run: async (racer) => {
        racer.plan = { ...issuedAt(), guardMs: jitter(5), burst: 100, pauseMs: 1 };
        racer.trigger = { at: 'flowing', afterMs: jitter(10) };
        racer.openAll(['secrets', 'own']);
        await racer.revoked();
      },
    });
    expectRevoked(result);
    expect(result.calls).toBeGreaterThan(TIMES);
  });

  it('where it came at a full socket buffer', async () => {
    const result = await room.race({
      title: 'at a full socket buffer',
      atOnce: 5,
      run: async (racer, n) => {
        racer.plan = { ...issuedAt(), pauseMs: 0, paddingBytes: 8_000 };
        racer.trigger = { at: 'full', afterMs: jitter(10) };
        const call = await racer.stall(racer.revoker);
        if (n % 2 === 0) call.nibble();
        await racer.revoked();
        call.read();
      },
    });
    expectRevoked(result);
  });

  it('where the client was disconnected', async () => {
    const result = await room.race({
      title: 'while the client is disconnected',
      atOnce: 10,
      run: async (racer) => {
        racer.plan = { issuedAt: Date.now(), guardMs: jitter(5) };
        racer.openAll(['secrets', 'own']);
        const [first, ...others] = racer.clients;
        await racer.calls[0]?.flowing;
        const revoked = racer.revoke(racer.revoker, jitter(30));
        await pause(jitter(10));
        await first?.close();
        await pause(jitter(20));
        // With what it had, elsewhere or there again; on what is open, too.
        racer.open(racer.client(pick([0, 1, 2])), racer.method(['secrets', 'own']));
        racer.open(pick(others), racer.method(['secrets', 'own']));
        await revoked;
        racer.open(racer.client(pick([0, 1, 2])), racer.method(['secrets', 'own']));
      },
    });
    expectRevoked(result, 'connection-lost');
  });

  it('where the user was granted again within 10 ms: that sign-in works', async () => {
    const items: number[] = [];
    const result = await room.race({
      title: 'revoked and granted again within 10 ms',
      atOnce: 10,
      run: async (racer) => {
        racer.trigger = { at: 'flowing', afterMs: jitter(10) };
        racer.openAll(['secrets', 'own']);
        await racer.revoked();
        await pause(jitter(10));
        await room.grants.hset(GRANTS, racer.user, 2);
        const again = [0, 1, 2].map((server) => racer.client(server, 2));
        items.push(...(await Promise.all(again.map((it) => firstItems(it, racer.user)))));
      },
    });
    expectRevoked(result);
    expect(items).toEqual(new Array(3 * TIMES).fill(3));
  });

  it('where it came in the midst of an upload', async () => {
    const result = await room.race({
      title: 'in the midst of an upload',
      atOnce: 10,
      run: async (racer) => {
        racer.plan = issuedAt();
        racer.trigger = { at: 'received', afterMs: jitter(10) };
        for (const server of [0, 1, 2]) racer.upload(server);
        await racer.revoked();
      },
    });
    expectRevoked(result);
    expect(result.calls).toBeGreaterThan(TIMES);
  });
});
