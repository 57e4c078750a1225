import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConnectionAuthentication } from './connection-authentication.js';
import { NotedCall, Room, settle } from './spec/room.js';

const ANNA = { userId: 'anna', authId: 'phone', scopes: ['read', 'draw'] };

let room: Room;

beforeEach(() => {
  room = new Room();
  room.tokens.set('a', ANNA);
  room.tokens.set('a2', { ...ANNA, authId: 'laptop' });
  room.tokens.set('b', { userId: 'ben' });
});

async function admitted(
  who: ConnectionAuthentication,
  guard: () => boolean | Promise<boolean> = () => who.info !== null,
): Promise<NotedCall> {
  const call = new NotedCall(who, guard);
  await call.authorization.admit();
  return call;
}

describe('Authentications', () => {
  it('asks the authenticator once per presentation, however many calls wait for it', async () => {
    const authenticate = vi.fn(async () => ANNA);
    const who = new Room({ authenticate }).connect('a');
    await Promise.all([admitted(who), admitted(who), admitted(who)]);
    expect(authenticate).toHaveBeenCalledOnce();
    expect(who.info).toBe(ANNA);
  });

  it('lets the newest credentials count when several come while the authenticator works', async () => {
    const who = room.connect('nobody');
    who.present('b');
    who.present('a');
    await who.settled();
    expect(who.info).toBe(ANNA);
    expect(room.events).toEqual(['refused']);
  });

  it('counts the failures of credentials that others replaced at once', async () => {
    const who = room.connect('x');
    for (const credentials of ['y', 'z']) {
      await Promise.resolve();
      who.present(credentials);
    }
    who.present('a');
    await who.settled();
    who.present('w');
    await who.settled();
    who.present('v');
    await who.settled();
    expect(room.events.filter((event) => event === 'refuse')).toHaveLength(1);
  });

  it('ends a call with revoked when its user is revoked, and no other', async () => {
    const anna = await admitted(room.connect('a'));
    const ben = await admitted(room.connect('b'));
    room.revoke({ kind: 'user', userId: 'anna' });
    expect([anna.holds, ben.holds]).toEqual([1, 0]);
    expect(room.events).toEqual(['flush']);
    await settle();
    expect(anna.error).toMatchObject({ code: 'revoked', data: { kind: 'user' } });
    expect(ben.error).toBeUndefined();
    expect(ben.asked).toBe(1);
  });

  it('ends only the calls of the sign-in that was revoked', async () => {
    const phone = await admitted(room.connect('a'));
    const laptop = await admitted(room.connect('a2'));
    room.revoke({ kind: 'auth', userId: 'anna', authId: 'phone' });
    await settle();
    expect(phone.error).toMatchObject({ code: 'revoked', data: { kind: 'auth' } });
    expect(laptop.error).toBeUndefined();
  });

  it('takes scopes away, and lets go on whose guards do without them', async () => {
    const who = room.connect('a');
    const draws = await admitted(who, () => who.info?.scopes?.includes('draw') ?? false);
    const reads = await admitted(who, () => who.info?.scopes?.includes('read') ?? false);
    room.revoke({ kind: 'scopes', userId: 'anna', scopes: ['draw'] });
    expect([draws.holds, reads.holds]).toEqual([1, 1]);
    await settle();
    expect(draws.error).toMatchObject({ code: 'revoked', data: { kind: 'scopes' } });
    expect(reads.error).toBeUndefined();
    expect(reads.holds).toBe(0);
  });

  it('keeps a call held for as long as its guard thinks', async () => {
    let answer: (yes: boolean) => void = () => {};
    const who = room.connect('a');
    const call = await admitted(who, () => {
      if (who.info?.scopes?.includes('draw')) return true;
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    room.revoke({ kind: 'scopes', userId: 'anna', scopes: ['draw'] });
    await settle();
    expect(call.holds).toBe(1);
    answer(true);
    await settle();
    expect(call.holds).toBe(0);
    expect(call.error).toBeUndefined();
  });

  it('asks the guards again when a revocation comes while they think', async () => {
    let answer: () => void = () => {};
    const who = room.connect('a');
    const call = new NotedCall(who, async () => {
      const { info } = who;
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return info !== null;
    });
    const admission = call.authorization.admit();
    await settle();
    room.revoke({ kind: 'user', userId: 'anna' });
    answer();
    await settle();
    answer();
    await expect(admission).rejects.toMatchObject({ code: 'revoked' });
    expect(call.asked).toBe(2);
  });

  it('asks the authenticator again when a revocation comes while it works', async () => {
    let calls = 0;
    const own = new Room({
      authenticate: async () => {
        calls += 1;
        if (calls > 1) return null;
        await settle();
        return ANNA;
      },
    });
    const who = own.connect('a');
    own.revoke({ kind: 'user', userId: 'anna' });
    await who.settled();
    expect(calls).toBe(2);
    expect(who.info).toBeNull();
  });

  it('admits who is granted again after a revocation', async () => {
    const who = room.connect('a');
    await who.settled();
    room.revoke({ kind: 'user', userId: 'anna' });
    expect(who.info).toBeNull();
    expect(who.credentials).toBeNull();
    who.present('a2');
    await who.settled();
    expect(who.info).toMatchObject({ authId: 'laptop' });
    expect(who.credentials).toBe('a2');
  });

  it('refuses what was issued before the revocation, for as long as that is kept', async () => {
    const at = Date.now();
    room.tokens.set('old', { ...ANNA, issuedAt: new Date(at - 10) });
    room.tokens.set('new', { ...ANNA, issuedAt: new Date(at + 10) });
    room.revoke({ kind: 'user', userId: 'anna' }, at);
    const old = room.connect('old');
    const fresh = room.connect('new');
    await Promise.all([old.settled(), fresh.settled()]);
    expect(old.info).toBeNull();
    expect(fresh.info).not.toBeNull();
  });

  it('never admits a revoked sign-in again', async () => {
    room.revoke({ kind: 'auth', userId: 'anna', authId: 'phone' });
    const [phone, laptop] = [room.connect('a'), room.connect('a2')];
    await Promise.all([phone.settled(), laptop.settled()]);
    expect(phone.info).toBeNull();
    expect(laptop.info).not.toBeNull();
  });

  it('keeps its user when credentials of another one come, and drains the connection', async () => {
    const who = room.connect('a');
    const call = await admitted(who);
    who.present('b');
    const next = new NotedCall(who, () => true);
    await expect(next.authorization.admit()).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(who.info).toBe(ANNA);
    expect(call.error).toBeUndefined();
    expect(room.events).toEqual(['other user', 'drain']);
  });

  it('lets running calls be when credentials that are no good come', async () => {
    const who = room.connect('a');
    const call = await admitted(who);
    who.present('nonsense');
    await who.settled();
    expect(call.error).toBeUndefined();
    expect(who.info).toBe(ANNA);
    expect(room.events).toEqual(['refused', 'drain']);
  });

  it('asks the guards again, without a pause, when credentials are renewed', async () => {
    const who = room.connect('a');
    const call = await admitted(who);
    who.present('a2');
    await who.settled();
    expect(call.holds).toBe(0);
    await settle();
    expect(call.asked).toBe(2);
    expect(call.error).toBeUndefined();
  });

  it('shows the guards the credentials it goes by, not those it refused', async () => {
    const who = room.connect('a');
    await who.settled();
    for (const refused of ['b', 'nonsense']) {
      who.present(refused);
      expect(who.credentials).toBe('a');
      await who.settled();
      expect(who.credentials).toBe('a');
    }
  });

  it('gives the calls of a user to nobody else who signs in once that one is revoked', async () => {
    let answer: () => void = () => {};
    const who = room.connect('a');
    const call = await admitted(who, () => {
      if (who.info?.userId === 'anna') return true;
      return new Promise((resolve) => {
        answer = () => resolve(who.info !== null);
      });
    });
    room.revoke({ kind: 'user', userId: 'anna' });
    who.present('b');
    await who.settled();
    answer();
    await settle();
    expect(who.info).toMatchObject({ userId: 'ben' });
    expect(call.error).toMatchObject({ code: 'unauthenticated' });
    expect(call.holds).toBe(1);
  });

  it('takes the credentials from guards where a kept revocation leaves nothing', async () => {
    room.revoke({ kind: 'auth', userId: 'anna', authId: 'phone' });
    const who = room.connect('a');
    await who.settled();
    expect([who.info, who.credentials, who.isRevoked]).toEqual([null, null, true]);
  });

  it('tells of an expiry as an expiry, although something was revoked before', async () => {
    const who = room.connect('a');
    const call = new NotedCall(who, async () => {
      await settle();
      return who.info !== null;
    });
    const admission = call.authorization.admit();
    await settle();
    room.revoke({ kind: 'scopes', userId: 'anna', scopes: ['draw'] });
    await admission;
    room.all.suspend();
    room.tokens.delete('a');
    room.all.resume(false);
    await settle();
    await settle();
    await settle();
    expect(call.error).toMatchObject({ code: 'unauthenticated' });
  });

  it('ends guarded calls when the client presents nothing any more', async () => {
    const who = room.connect('a');
    const call = await admitted(who);
    who.present(null);
    await settle();
    expect(who.info).toBeNull();
    expect(call.error).toMatchObject({ message: 'The guard says no.' });
  });

  it('closes a connection whose credentials fail again and again', async () => {
    const who = room.connect('x');
    for (const credentials of ['y', 'z']) {
      await who.settled();
      who.present(credentials);
    }
    await who.settled();
    expect(room.events).toEqual(['refused', 'refused', 'refused', 'too many failures', 'refuse']);
  });

  it('takes an authenticator that throws for one that knows nobody, and keeps the error', async () => {
    const error = new Error('no database');
    const own = new Room({ authenticate: () => Promise.reject(error) });
    const who = own.connect('a');
    await who.settled();
    expect(who.info).toBeNull();
    expect(who.error).toBe(error);
    expect(own.events).toContain('authenticator failed');
  });

  it('holds guarded calls while revocations may be missing, and opens none', async () => {
    const who = room.connect('a');
    const call = await admitted(who);
    room.isCurrent = false;
    room.all.suspend();
    expect(call.holds).toBe(1);
    await expect(admitted(who)).rejects.toMatchObject({ code: 'unavailable' });
    room.isCurrent = true;
    room.all.resume(true);
    expect(call.holds).toBe(0);
    await admitted(who);
  });

  it('authenticates everyone again when revocations were lost', async () => {
    const who = room.connect('a');
    const call = await admitted(who);
    room.all.suspend();
    room.tokens.delete('a');
    room.all.resume(false);
    expect(call.holds).toBe(1);
    await who.settled();
    await settle();
    expect(who.info).toBeNull();
    expect(call.error).toMatchObject({ code: 'unauthenticated' });
    expect(room.events).not.toContain('drain');
  });

  it('forgets a connection that is gone', async () => {
    const who = room.connect('a');
    await who.settled();
    who.close();
    room.revoke({ kind: 'user', userId: 'anna' });
    expect(room.events).toEqual([]);
  });
});

describe('an authentication that expires', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
  afterEach(() => void vi.useRealTimers());

  function expiring(ms: number): ConnectionAuthentication {
    room.tokens.set('e', { ...ANNA, expiresAt: new Date(Date.now() + ms) });
    return room.connect('e');
  }

  it('asks for fresh credentials before, and ends guarded calls then', async () => {
    const who = expiring(100_000);
    const call = await admitted(who);
    vi.advanceTimersByTime(79_000);
    expect(room.events).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(room.events).toEqual(['ask credentials']);
    vi.advanceTimersByTime(20_000);
    await settle();
    expect(who.info).toBeNull();
    expect(call.error).toMatchObject({ code: 'unauthenticated' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes on with credentials presented in time', async () => {
    const who = expiring(10_000);
    const call = await admitted(who);
    vi.advanceTimersByTime(9_000);
    who.present('a');
    await who.settled();
    vi.advanceTimersByTime(5_000);
    await settle();
    expect(call.error).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits at the end for credentials that are being looked at, and writes nothing', async () => {
    let answer: () => void = () => {};
    const expiresAt = new Date(Date.now() + 10_000);
    const own = new Room({
      authenticate: async (credentials) => {
        if (credentials === 'e') return { ...ANNA, expiresAt };
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return ANNA;
      },
      timeoutMs: 100_000,
    });
    const who = own.connect('e');
    const call = await admitted(who);
    who.present('fresh');
    vi.advanceTimersByTime(11_000);
    await settle();
    expect([call.holds, call.error]).toEqual([1, undefined]);
    answer();
    await settle();
    expect([call.holds, call.error]).toEqual([0, undefined]);
    who.close();
  });

  it('ends nothing for a date in the year 2099', async () => {
    room.tokens.set('e', { ...ANNA, expiresAt: new Date('2099-01-01') });
    const who = room.connect('e');
    const call = await admitted(who);
    vi.advanceTimersByTime(40 * 24 * 3_600_000);
    await settle();
    expect(call.error).toBeUndefined();
    who.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('admits nobody whose time is over already', async () => {
    const who = expiring(-1);
    await who.settled();
    expect(who.info).toBeNull();
  });
});
