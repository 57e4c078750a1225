import { describe, expect, it } from 'vitest';
import { NotedCall, Room, settle } from './spec/room.js';

/** More turns of the microtasks than guards take to be asked. */
const TURNS = Array.from({ length: 40 }, (_, turns) => turns);

function open(guard: () => Promise<void>): { readonly call: NotedCall; readonly room: Room } {
  const room = new Room();
  room.tokens.set('a', { userId: 'anna', scopes: ['read', 'draw'] });
  const who = room.connect('a');
  const call = new NotedCall(who, async () => {
    const { info } = who;
    await guard();
    return info !== null;
  });
  call.authorization.admit().catch((error: unknown) => call.fail(error));
  return { call, room };
}

async function revokeAfter(turns: number, room: Room): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  room.tokens.delete('a');
  room.revoke({ kind: 'user', userId: 'anna' });
  await settle();
}

/** Opens a call, and takes everything from its user so many turns later. */
async function openAndRevoke(turns: number, guard: () => Promise<void>): Promise<NotedCall> {
  const { call, room } = open(guard);
  await revokeAfter(turns, room);
  return call;
}

/** Takes a scope that nobody asks for, and so many turns later everything. */
async function revokeTwice(turns: number, guard: () => Promise<void>): Promise<NotedCall> {
  const { call, room } = open(guard);
  await settle();
  room.revoke({ kind: 'scopes', userId: 'anna', scopes: ['draw'] });
  await revokeAfter(turns, room);
  return call;
}

const GUARDS: [string, () => Promise<void>][] = [
  ['at once', async () => {}],
  ['some turns later', async () => void (await Promise.resolve().then(() => {}))],
];

describe.each(GUARDS)('The authorization of a call whose guards answer %s', (_, guard) => {
  it('misses no revocation, at whatever turn it comes while the call is opened', async () => {
    const calls = await Promise.all(TURNS.map((turns) => openAndRevoke(turns, guard)));
    expect(calls.filter(({ error }) => error === undefined)).toEqual([]);
    expect(calls.at(-1)?.error).toMatchObject({ code: 'revoked' });
  });

  it('misses no revocation, at whatever turn it comes while guards are asked again', async () => {
    const calls = await Promise.all(TURNS.map((turns) => revokeTwice(turns, guard)));
    expect(calls.map(({ error }) => (error as { code?: string })?.code)).toEqual(
      TURNS.map(() => 'revoked'),
    );
    expect(calls.map(({ holds }) => holds)).toEqual(TURNS.map(() => 1));
  });
});
