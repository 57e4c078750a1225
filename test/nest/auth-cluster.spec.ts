import { beforeEach, describe, expect, it } from 'vitest';
import { RedisServerProcess } from '../redis/redis-server.js';
import { afterTest, failure, until } from './app.js';
import { type AuthApp, delay, Reading, startAuthApp } from './auth-app.js';
import { allowNothingUnhandled } from './unhandled.js';

allowNothingUnhandled();

let redis: RedisServerProcess;

beforeEach(async () => {
  redis = await RedisServerProcess.start();
  afterTest(() => redis.stop());
});

function start(): Promise<AuthApp> {
  const bus = { probeIntervalMs: 50, probeTimeoutMs: 200, publishTimeoutMs: 500 };
  return startAuthApp({ redis: redis.url, bus, auth: { leaseMs: 1_000 } });
}

async function flowing(...readings: Reading[]): Promise<void> {
  const before = readings.map((it) => it.items.length);
  await until(() => readings.every((it, i) => it.items.length > (before[i] ?? 0) + 2));
}

describe('Servers with one Redis', () => {
  it('end the calls of a user who is revoked on one of them, and of nobody else', async () => {
    const servers = await Promise.all([start(), start(), start()]);
    const [first] = servers;
    for (let round = 0; round < 5; round++) {
      const secrets = servers.map((it) => new Reading(it.as('anna').house.secrets()));
      const others = servers.map((it) => new Reading(it.as('ben').house.readings()));
      await flowing(...secrets, ...others);
      await first?.revocation.revokeUser('anna');
      const written = servers.map((it) => it.wire.count('secret of anna'));
      await Promise.all(secrets.map((it) => it.over));
      await delay(5);
      expect(servers.map((it) => it.wire.count('secret of anna'))).toEqual(written);
      for (const { end } of secrets) {
        expect(end).toMatchObject({ code: 'revoked', data: { kind: 'user' } });
      }
      await flowing(...others);
    }
  });

  it('refuse a revoked sign-in on one that started later', async () => {
    const first = await start();
    await first.revocation.revokeAuthId('anna', 'phone');
    const second = await start();
    expect(await failure(second.as('anna').house.secrets())).toMatchObject({
      code: 'unauthenticated',
    });
    await flowing(new Reading(second.as('anna2').house.secrets()));
  });

  it('reject a revocation that nobody can be told of, and rest; public calls flow', async () => {
    const app = await start();
    const client = app.as('anna');
    const open = new Reading(app.as('ben').house.open());
    await flowing(open, new Reading(client.house.secrets()));
    await redis.kill();
    await expect(app.revocation.revokeUser('anna')).rejects.toMatchObject({ code: 'unavailable' });
    await until(() => app.log.find('warn', 'Out of touch').length > 0);
    const written = app.wire.count('secret of anna');
    expect(await failure(app.as('anna').house.secrets())).toMatchObject({ code: 'unavailable' });
    await flowing(open);
    expect(app.wire.count('secret of anna')).toBe(written);
  });
});
