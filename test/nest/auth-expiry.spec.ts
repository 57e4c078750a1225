import { describe, expect, it } from 'vitest';
import { failure, until } from './app.js';
import { ANNA, type AuthApp, type Client, delay, Reading, startAuthApp } from './auth-app.js';
import { allowNothingUnhandled } from './unhandled.js';

allowNothingUnhandled();

async function flowing(...readings: Reading[]): Promise<void> {
  const before = readings.map((it) => it.items.length);
  await until(() => readings.every((it, i) => it.items.length > (before[i] ?? 0) + 2));
}

/** A client whose tokens live for so long, each time it is asked. */
function expiring(app: AuthApp, ms: number, mayRenew = true) {
  let given = 0;
  const client = app.connect<Client>({
    credentials: () => {
      given++;
      if (given > 1 && !mayRenew) return 'nonsense';
      app.accounts.tokens.set(`t${given}`, { ...ANNA, expiresAt: new Date(Date.now() + ms) });
      return `t${given}`;
    },
  });
  return { client, given: () => given };
}

describe('An authentication that expires', () => {
  it('ends the protected calls with unauthenticated, unless it is renewed; public ones run on', async () => {
    const app = await startAuthApp();
    const { client } = expiring(app, 300, false);
    const secret = new Reading(client.house.secrets());
    const open = new Reading(client.house.open());
    await flowing(secret, open);
    await secret.over;
    const written = app.wire.count('secret of anna');
    expect(secret.end).toMatchObject({ code: 'unauthenticated' });
    await flowing(open);
    expect(app.wire.count('secret of anna')).toBe(written);
    expect(app.work.sessions.map((it) => it.auth)).toEqual([null, null]);
  });

  it('is renewed before, and the call loses no item', async () => {
    const app = await startAuthApp();
    const { client, given } = expiring(app, 2_000);
    const secret = new Reading(client.house.secrets());
    const tent = new Reading(client.tent.drawings());
    const past = Date.now() + 2_200;
    await until(() => given() >= 2 && Date.now() > past);
    await flowing(secret, tent);
    expect(secret.items).toEqual(secret.items.map((_, i) => `secret of anna-${i}`));
    expect(tent.items).toEqual(tent.items.map((_, i) => `drawing-${i}`));
  });

  it('is waited for when the new credentials are being looked at just then', async () => {
    const app = await startAuthApp();
    app.accounts.before = (credentials) => (credentials === 't1' ? undefined : delay(500));
    const { client } = expiring(app, 2_000);
    const secret = new Reading(client.house.secrets());
    const past = Date.now() + 2_200;
    await until(() => app.accounts.asked.length >= 2 && Date.now() > past);
    await flowing(secret);
    expect(secret.items).toEqual(secret.items.map((_, i) => `secret of anna-${i}`));
  });

  it('in the year 2099 ends nothing', async () => {
    const app = await startAuthApp();
    app.accounts.tokens.set('anna', { ...ANNA, expiresAt: new Date('2099-12-31') });
    const secret = new Reading(app.as('anna').house.secrets());
    await flowing(secret);
    await delay(50);
    await flowing(secret);
    expect(secret.end).toBe('running');
  });
});

describe('Credentials that are renewed', () => {
  it('are what the next guard sees; calls that run are asked again, and go on', async () => {
    const app = await startAuthApp();
    let token = 'anna';
    const client = app.connect<Client>({ credentials: () => token });
    const secret = new Reading(client.house.secrets());
    const own = new Reading(client.house.own());
    await flowing(secret, own);
    token = 'anna2';
    await client.refreshCredentials();
    await until(() => app.guard.asked === 2);
    await flowing(secret, own);
    expect(await client.house.who()).toMatchObject({ authId: 'laptop' });
    expect(app.work.sessions[0]?.headers['authorization']).toBe('Bearer anna2');
    expect(secret.items).toEqual(secret.items.map((_, i) => `secret of anna-${i}`));
  });

  it('without a scope that a call needs end that call', async () => {
    const app = await startAuthApp();
    app.accounts.tokens.set('less', { ...ANNA, scopes: ['read'] });
    let token = 'anna';
    const client = app.connect<Client>({ credentials: () => token });
    const drawings = new Reading(client.house.drawings());
    const readings = new Reading(client.house.readings());
    await flowing(drawings, readings);
    token = 'less';
    await client.refreshCredentials();
    await drawings.over;
    expect(drawings.end).toMatchObject({ code: 'permission-denied' });
    await flowing(readings);
  });

  it('of another user are refused for what runs; the next call is that of the other user', async () => {
    const app = await startAuthApp();
    let token = 'anna';
    const client = app.connect<Client>({ credentials: () => token });
    const secret = new Reading(client.house.secrets());
    await flowing(secret);
    token = 'ben';
    await client.refreshCredentials();
    await until(() => app.log.find('warn', 'another user').length === 1);
    expect(app.work.sessions[0]?.auth).toMatchObject({ userId: 'anna' });
    expect(app.work.sessions[0]?.headers['authorization']).toBe('Bearer anna');
    await flowing(secret);
    expect(await client.house.who()).toMatchObject({ userId: 'ben' });
    const bens = new Reading(client.house.secrets());
    await flowing(bens);
    expect(bens.items[0]).toBe('secret of ben-0');
    await app.revocation.revokeUser('anna');
    await secret.over;
    expect(secret.end).toMatchObject({ code: 'revoked' });
    await flowing(bens);
  });

  it('that are no good leave what runs alone', async () => {
    const app = await startAuthApp();
    let token = 'anna';
    const client = app.connect<Client>({ credentials: () => token });
    const secret = new Reading(client.house.secrets());
    await flowing(secret);
    token = 'nonsense';
    await client.refreshCredentials();
    await until(() => app.accounts.asked.includes('nonsense'));
    await flowing(secret);
    expect(await failure(client.house.secrets())).toMatchObject({ code: 'unauthenticated' });
    expect(secret.end).toBe('running');
  });

  it('by none at all sign out: protected calls end, public ones run on', async () => {
    const app = await startAuthApp();
    let token: string | null = 'anna';
    const client = app.connect<Client>({ credentials: () => token });
    const secret = new Reading(client.house.secrets());
    const open = new Reading(client.house.open());
    await flowing(secret, open);
    token = null;
    await client.refreshCredentials();
    await secret.over;
    expect(secret.end).toMatchObject({ code: 'unauthenticated' });
    await flowing(open);
    expect(app.work.sessions[1]?.headers['authorization']).toBeUndefined();
  });
});

describe('An open that is refused as unauthenticated', () => {
  it('is opened again, once, with fresh credentials', async () => {
    const app = await startAuthApp();
    const given: string[] = [];
    const client = app.connect<Client>({
      credentials: () => {
        given.push(given.length === 0 ? 'stale' : 'anna');
        return given.at(-1) ?? null;
      },
    });
    const secret = new Reading(client.house.secrets());
    await flowing(secret);
    expect(given).toEqual(['stale', 'anna']);
    expect(secret.items[0]).toBe('secret of anna-0');
  });

  it('fails when the fresh ones are no good, either', async () => {
    const app = await startAuthApp();
    let asked = 0;
    const client = app.connect<Client>({
      credentials: () => {
        asked++;
        return 'stale';
      },
    });
    expect(await failure(client.house.secrets())).toMatchObject({ code: 'unauthenticated' });
    expect(asked).toBe(2);
  });
});
