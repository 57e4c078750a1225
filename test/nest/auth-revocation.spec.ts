import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CanActivate,
  Controller,
  Injectable,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { AuthRevocation, StreamingMethod } from '../../lib/index.js';
import { failure, until } from './app.js';
import { ANNA, type AuthApp, delay, ENDPOINTS, Reading, startAuthApp } from './auth-app.js';
import { allowNothingUnhandled } from './unhandled.js';

allowNothingUnhandled();

async function flowing(...readings: Reading[]): Promise<void> {
  const before = readings.map((it) => it.items.length);
  await until(() => readings.every((it, i) => it.items.length > (before[i] ?? 0) + 2));
}

describe.each(ENDPOINTS)('A revocation, on the endpoint %s', (endpoint) => {
  it('of a user ends the protected calls of that user, all of them, and no others', async () => {
    const { accounts, as, revocation, wire } = await startAuthApp();
    const anna = as('anna')[endpoint];
    const other = as('anna2')[endpoint];
    const ben = new Reading(as('ben')[endpoint].readings());
    const open = new Reading(anna.open());
    const secrets = [new Reading(anna.secrets()), new Reading(anna.own())];
    secrets.push(new Reading(other.secrets()));
    await flowing(ben, open, ...secrets);
    accounts.tokens.delete('anna');
    await revocation.revokeUser('anna');
    const written = wire.count('secret of anna');
    await Promise.all(secrets.map((it) => it.over));
    for (const { end } of secrets) {
      expect(end).toMatchObject({ code: 'revoked', data: { kind: 'user' } });
    }
    await flowing(ben, open);
    expect(wire.count('secret of anna')).toBe(written);
    expect([ben.end, open.end]).toEqual(['running', 'running']);
    expect(await anna.who()).toBeNull();
    expect(await failure(anna.secrets())).toMatchObject({ code: 'unauthenticated' });
  });

  it('of one sign-in ends the calls that were opened with it', async () => {
    const { as, revocation } = await startAuthApp();
    const phone = new Reading(as('anna')[endpoint].secrets());
    const laptop = new Reading(as('anna2')[endpoint].secrets());
    await flowing(phone, laptop);
    await revocation.revokeAuthId('anna', 'phone');
    await phone.over;
    expect(phone.end).toMatchObject({ code: 'revoked', data: { kind: 'auth' } });
    await flowing(laptop);
    expect(await failure(as('anna')[endpoint].secrets())).toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('of scopes ends the calls that need one of them; the others lose no item', async () => {
    const { as, revocation } = await startAuthApp();
    const anna = as('anna')[endpoint];
    const drawings = new Reading(anna.drawings());
    const readings = new Reading(anna.readings());
    await flowing(drawings, readings);
    await revocation.revokeScopes('anna', ['draw', 'other']);
    await drawings.over;
    expect(drawings.end).toMatchObject({ code: 'revoked', data: { kind: 'scopes' } });
    await flowing(readings);
    expect(readings.items).toEqual(readings.items.map((_, i) => `reading-${i}`));
    expect(await anna.who()).toEqual({ ...ANNA, scopes: ['read'] });
    expect(await failure(anna.drawings())).toMatchObject({ code: 'permission-denied' });
  });

  it("asks the application's own guards: a call goes on if they still say yes", async () => {
    const { as, guard, revocation } = await startAuthApp();
    guard.answer = () => true;
    const stays = new Reading(as('anna')[endpoint].own());
    await flowing(stays);
    await revocation.revokeUser('anna');
    expect(guard.asked).toBe(2);
    await flowing(stays);
    guard.answer = (session) => session.auth?.scopes?.includes('draw') ?? false;
    const ends = new Reading(as('anna')[endpoint].own());
    await flowing(ends);
    await revocation.revokeScopes('anna', ['draw']);
    await ends.over;
    expect(ends.end).toMatchObject({ code: 'revoked' });
    expect(stays.end).toBe('running');
  });

  it('lets a promise method run on, and its value go nowhere', async () => {
    const { as, revocation, wire, work } = await startAuthApp();
    const value = failure(as('anna')[endpoint].value(60));
    await until(() => work.started === 1);
    await revocation.revokeUser('anna');
    expect(await value).toMatchObject({ code: 'revoked' });
    await delay(80);
    expect(wire.count('secret value')).toBe(0);
  });
});

describe('A revocation', () => {
  it('takes user ids as numbers and as texts', async () => {
    const { accounts, as, revocation } = await startAuthApp();
    accounts.tokens.set('seven', { userId: 7, authId: 70 });
    for (const revoke of [
      () => revocation.revokeUser('7'),
      () => revocation.revokeUser(7),
      () => revocation.revokeAuthId(7, '70'),
    ]) {
      const reading = new Reading(as('seven').house.secrets());
      await flowing(reading);
      await revoke();
      await reading.over;
      expect(reading.end).toMatchObject({ code: 'revoked' });
    }
    await expect(revocation.revokeUser('')).rejects.toThrow(TypeError);
  });

  it('takes the credentials from the headers, and gives them back when they are renewed', async () => {
    const { as, revocation, work } = await startAuthApp();
    const client = as('anna');
    const reading = new Reading(client.house.open());
    await flowing(reading);
    const [session] = work.sessions;
    expect(session?.headers['authorization']).toBe('Bearer anna');
    await revocation.revokeUser('anna');
    expect([session?.auth, session?.headers['authorization']]).toEqual([null, undefined]);
    await client.refreshCredentials();
    await until(() => session?.auth != null);
    expect(session?.headers['authorization']).toBe('Bearer anna');
  });

  it('leaves session.user to the guard that set it', async () => {
    const { as, guard, revocation, work } = await startAuthApp();
    guard.answer = (session) => {
      session.user ??= 'set once';
      return true;
    };
    await flowing(new Reading(as('anna').house.own()));
    await revocation.revokeUser('anna');
    expect(work.sessions[0]?.user).toBe('set once');
  });

  it('asks the guards in the asynchronous context of their call, not of who revokes', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { as, guard, revocation } = await startAuthApp();
    const seen: unknown[] = [];
    guard.answer = () => {
      seen.push(storage.getStore());
      return true;
    };
    await flowing(new Reading(as('anna').house.own()));
    await storage.run('the revoker', () => revocation.revokeUser('anna'));
    expect(seen).toEqual([undefined, undefined]);
  });

  it('keeps a call from writing for as long as its guard thinks, and loses no item of it', async () => {
    const { as, guard, revocation, wire } = await startAuthApp();
    let answer: (yes: boolean) => void = () => {};
    guard.answer = ({ auth }) =>
      auth !== null ||
      new Promise((resolve) => {
        answer = resolve;
      });
    const reading = new Reading(as('anna').house.own());
    await flowing(reading);
    await revocation.revokeUser('anna');
    const written = wire.count('own-');
    await delay(30);
    expect(wire.count('own-')).toBe(written);
    answer(true);
    await flowing(reading);
    expect(reading.items).toEqual(reading.items.map((_, i) => `own-${i}`));
  });

  it('while the client is disconnected holds for tokens that show they are older', async () => {
    const { accounts, as, revocation } = await startAuthApp();
    accounts.tokens.set('old', { userId: 'anna', issuedAt: new Date(Date.now() - 1_000) });
    const client = as('old');
    await flowing(new Reading(client.house.secrets()));
    client.close();
    await revocation.revokeUser('anna');
    const error = await failure(as('old').house.secrets());
    expect(error).toMatchObject({ code: 'unauthenticated' });
    await delay(5);
    accounts.tokens.set('new', { userId: 'anna', issuedAt: new Date() });
    await flowing(new Reading(as('new').house.secrets()));
  });

  it('is told in the log with who and why', async () => {
    const { as, log, revocation } = await startAuthApp();
    const reading = new Reading(as('anna').house.secrets());
    await flowing(reading);
    await revocation.revokeUser('anna');
    await reading.over;
    expect(log.find('warn', 'revoked')).toEqual([
      expect.stringContaining('house.secrets was denied to the user "anna"'),
    ]);
  });

  it('is refused when the application has shut down', async () => {
    const { app, revocation } = await startAuthApp();
    await app.close();
    await expect(revocation.revokeUser('anna')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('resolves where there is no authenticator, for other servers may have one', async () => {
    const { revocation } = await startAuthApp({ authenticator: undefined });
    await revocation.revokeUser('anna');
  });

  it('that a guarded call itself asks for ends that call, too, and no deadlock', async () => {
    @Injectable()
    class Yes implements CanActivate {
      canActivate(context: Parameters<CanActivate['canActivate']>[0]) {
        return context.switchToWs().getClient().auth !== null;
      }
    }
    @Controller()
    class ExitController {
      constructor(private readonly revocation: AuthRevocation) {}

      @UseGuards(Yes)
      @StreamingMethod()
      async logOut() {
        await this.revocation.revokeUser('anna');
        return 'gone';
      }
    }
    const { connect } = await startAuthApp({}, { controllers: [ExitController] });
    const client = connect<{ exit: ExitController }>({ credentials: () => 'anna' });
    expect(await failure(client.exit.logOut())).toMatchObject({ code: 'revoked' });
  });
});

/** Each of these runs again and again, with another delay before the revocation. */
const TIMES = 25;

interface Race {
  readonly app: AuthApp;
  readonly client: ReturnType<AuthApp['as']>;
  readonly jitterMs: number;
  /** Waits some part of the race's length. */
  jitter(): Promise<void>;
}

/** After the promise of the revocation resolved, nothing of a protected call is written. */
async function race(
  app: AuthApp,
  text: string,
  open: (race: Race) => AsyncIterable<string>,
  before: (race: Race) => Promise<unknown> = ({ jitter }) => jitter(),
): Promise<Reading> {
  const client = app.as('anna');
  const jitterMs = Math.random() * 8;
  const jitter = (): Promise<void> => (jitterMs < 1 ? Promise.resolve() : delay(jitterMs - 1));
  const it = { app, client, jitterMs, jitter };
  const reading = new Reading(open(it));
  await before(it);
  app.accounts.tokens.delete('anna');
  await app.revocation.revokeUser('anna');
  const written = app.wire.count(text);
  await reading.over;
  await delay(3);
  expect(app.wire.count(text)).toBe(written);
  expect((reading.end as { code?: string }).code).toMatch(/revoked|unauthenticated/);
  app.accounts.tokens.set('anna', ANNA);
  client.close();
  return reading;
}

async function raceOften(run: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < TIMES; i++) await run();
}

describe('No item is written after a revocation resolved', () => {
  it('while the authenticator works', async () => {
    const app = await startAuthApp();
    app.accounts.before = () => delay(4);
    await raceOften(() => race(app, 'secret of anna', ({ client }) => client.house.secrets()));
  });

  it('between the answer of the authenticator and the open', async () => {
    const app = await startAuthApp();
    await raceOften(() =>
      race(
        app,
        'secret of anna',
        async function* ({ client, jitter }) {
          await client.house.who();
          await jitter();
          yield* client.house.secrets();
        },
        async ({ client, jitter }) => {
          await client.house.who();
          await jitter();
        },
      ),
    );
  });

  it.each(ENDPOINTS)('while a guard waits, on %s', async (endpoint) => {
    const app = await startAuthApp();
    app.guard.answer = async (session) => {
      const known = session.auth !== null;
      await delay(4);
      if (!known) throw new UnauthorizedException();
      return true;
    };
    await raceOften(() => race(app, 'own-', ({ client }) => client[endpoint].own()));
    // Its instance is another one for each call.
    if (endpoint !== 'tent') expect(app.guard.asked).toBeGreaterThan(TIMES);
  });

  it.each(ENDPOINTS)("between the guard's yes and the first item, on %s", async (endpoint) => {
    const app = await startAuthApp();
    await raceOften(() =>
      race(
        app,
        'secret of anna',
        ({ client }) => client[endpoint].secrets(),
        async () => {
          const { started } = app.work;
          await until(() => app.work.started > started - 1);
          for (let i = Math.random() * 6; i > 0; i--) await Promise.resolve();
        },
      ),
    );
  });

  it('at the very moment the handler starts', async () => {
    const app = await startAuthApp();
    const original = app.work.items.bind(app.work);
    let revoked: Promise<number> | undefined;
    for (let turns = 0; turns < TIMES; turns++) {
      app.work.items = (session, what) => {
        revoked = (async () => {
          for (let i = 0; i < turns; i++) await Promise.resolve();
          app.accounts.tokens.delete('anna');
          await app.revocation.revokeUser('anna');
          return app.wire.count('secret of anna');
        })();
        return original(session, what);
      };
      const client = app.as('anna');
      const reading = new Reading(client.house.secrets());
      await reading.over;
      await delay(2);
      expect(reading.end).toMatchObject({ code: 'revoked' });
      expect(app.wire.count('secret of anna')).toBe(await revoked);
      app.accounts.tokens.set('anna', ANNA);
      client.close();
    }
  });

  it('with items queued', async () => {
    const app = await startAuthApp();
    app.work.pauseMs = 0;
    app.work.padding = 'x'.repeat(100);
    await raceOften(() => race(app, 'secret of anna', ({ client }) => client.house.secrets()));
  });

  it('at a full socket buffer, which the client does not read', async () => {
    const limits = { sendBufferBytes: 16_384, windowBytes: 4_000_000 };
    const app = await startAuthApp({ limits });
    app.work.pauseMs = 0;
    app.work.padding = 'x'.repeat(8_000);
    await raceOften(() =>
      race(app, 'secret of anna', async function* ({ client }) {
        for await (const item of client.house.secrets()) {
          await delay(1);
          yield item;
        }
      }),
    );
  });

  it('in the midst of an upload; what the handler reads ends', async () => {
    const app = await startAuthApp();
    await raceOften(() =>
      race(app, 'stored', ({ client }) =>
        client.house.upload(
          (async function* () {
            for (let i = 0; ; i++) {
              yield i;
              await delay(1);
            }
          })(),
        ),
      ),
    );
  });

  it('and the user is granted again within 10 ms: the new sign-in works, the old call is over', async () => {
    const app = await startAuthApp();
    await raceOften(async () => {
      const client = app.as('anna');
      const reading = new Reading(client.house.secrets());
      await flowing(reading);
      await app.revocation.revokeUser('anna');
      const written = app.wire.count('secret of anna');
      await reading.over;
      await delay(Math.random() * 8);
      expect(app.wire.count('secret of anna')).toBe(written);
      expect(reading.end).toMatchObject({ code: 'revoked' });
      const again = new Reading(app.as('anna').house.secrets());
      await flowing(again);
      client.close();
    });
  });

  it('for a call of a client that just went away', async () => {
    const app = await startAuthApp();
    await raceOften(async () => {
      const client = app.as('anna');
      const reading = new Reading(client.house.secrets());
      await flowing(reading);
      client.close();
      await delay(Math.random() * 3);
      await app.revocation.revokeUser('anna');
      const written = app.wire.count('secret of anna');
      await delay(2);
      expect(app.wire.count('secret of anna')).toBe(written);
    });
  });
});
