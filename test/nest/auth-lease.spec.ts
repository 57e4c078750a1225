import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { BusDriver } from '../../lib/bus/bus-driver.js';
import type { ClusterLog, ClusterLogOptions } from '../../lib/bus/cluster-log.js';
import { LocalDriver } from '../../lib/bus/local-driver.js';
import { AuthRevocation, StreamingHealthIndicator, StreamingModule } from '../../lib/index.js';
import { createTestingClient } from '../../lib/testing/index.js';
import { afterTest, failure, listen, until } from './app.js';
import {
  Accounts,
  type Client,
  delay,
  HouseController,
  OwnGuard,
  Reading,
  TokenAuthenticator,
  Wire,
  Work,
} from './auth-app.js';
import { allowNothingUnhandled } from './unhandled.js';

allowNothingUnhandled();

/** A driver whose log of revocations can be put out of touch, as a broken network would do it. */
class CutDriver extends LocalDriver {
  isCut = false;
  #options: ClusterLogOptions | undefined;

  override openLog(options: ClusterLogOptions): ClusterLog {
    this.#options = options;
    const log = super.openLog(options);
    const isCut = () => this.isCut;
    return {
      ready: log.ready,
      get isCurrent() {
        return !isCut() && log.isCurrent;
      },
      append: (entry) => log.append(entry),
      close: () => log.close(),
    };
  }

  cut(): void {
    this.isCut = true;
    this.#options?.lost();
  }

  mend(isWhole: boolean): void {
    this.isCut = false;
    this.#options?.regained(isWhole);
  }
}

async function start() {
  const driver = new CutDriver();
  const module = await Test.createTestingModule({
    imports: [StreamingModule.forRoot({ authenticator: TokenAuthenticator })],
    controllers: [HouseController],
    providers: [Accounts, Work, OwnGuard],
  })
    .overrideProvider(BusDriver)
    .useValue(driver)
    .compile();
  const app = module.createNestApplication();
  const wire = new Wire(app.getHttpServer());
  const running = await listen(app);
  const client = running.connect<Client>({ credentials: () => 'anna' });
  return { ...running, client, driver, wire, accounts: app.get(Accounts), work: app.get(Work) };
}

/** Between two items: what is gathered when the lease ends is thrown away, with its connection. */
async function quiet({ wire }: { readonly wire: Wire }): Promise<void> {
  const before = wire.writes.length;
  await until(() => wire.writes.length > before);
  await delay(10);
}

async function flowing(...readings: Reading[]): Promise<void> {
  const before = readings.map((it) => it.items.length);
  await until(() => readings.every((it, i) => it.items.length > (before[i] ?? 0) + 2));
}

describe('A server that is out of touch for longer than its lease', () => {
  it('writes no item of a guarded call and opens none; public calls flow', async () => {
    const { app, client, driver, log, wire, work } = await start();
    work.pauseMs = 30;
    const [secret, open] = [new Reading(client.house.secrets()), new Reading(client.house.open())];
    await flowing(secret, open);
    await quiet({ wire });
    driver.cut();
    const written = wire.count('secret of anna');
    expect(await failure(client.house.drawings())).toMatchObject({ code: 'unavailable' });
    await flowing(open);
    expect(wire.count('secret of anna')).toBe(written);
    expect(log.find('warn', 'Out of touch')).toHaveLength(1);
    const health = app.get(StreamingHealthIndicator, { strict: false });
    expect((await health.isHealthy()).streaming).toMatchObject({ guardedCalls: 'resting' });
    driver.mend(true);
    await flowing(secret);
    expect(secret.items).toEqual(secret.items.map((_, i) => `secret of anna-${i}`));
  });

  it('authenticates everyone again when revocations may have been lost for ever', async () => {
    const { accounts, client, driver, wire, work } = await start();
    work.pauseMs = 30;
    const [secret, open] = [new Reading(client.house.secrets()), new Reading(client.house.open())];
    await flowing(secret, open);
    await quiet({ wire });
    driver.cut();
    driver.mend(false);
    await flowing(secret);
    expect(accounts.asked).toEqual(['anna', 'anna']);
    await quiet({ wire });
    driver.cut();
    accounts.tokens.delete('anna');
    driver.mend(false);
    await secret.over;
    expect(secret.end).toMatchObject({ code: 'unauthenticated' });
    await flowing(open);
  });

  it('forgets clients that are gone: nobody asks who they are', async () => {
    const { accounts, client, driver, server } = await start();
    await flowing(new Reading(client.house.secrets()));
    client.close();
    await until(() => server.connections.size === 0);
    driver.cut();
    driver.mend(false);
    await delay(5);
    expect(accounts.asked).toEqual(['anna']);
  });

  it('does not send the value of a call that is over by then', async () => {
    const { client, driver, wire, work } = await start();
    const value = client.house.value(20).then(
      (given) => given,
      ({ code }: { code: string }) => code,
    );
    await until(() => work.started === 1);
    driver.isCut = true;
    expect(await value).toBe('connection-lost');
    expect(wire.count('secret value')).toBe(0);
  });

  it('notices it before it writes, although nobody has told it yet', async () => {
    const { client, driver, wire, work } = await start();
    const secret = new Reading(client.house.secrets());
    await flowing(secret);
    driver.isCut = true;
    const written = wire.count('secret of anna');
    await secret.over;
    expect(secret.end).toMatchObject({ code: 'connection-lost' });
    expect(wire.count('secret of anna')).toBe(written);
    expect(work.sessions[0]?.signal.aborted).toBe(true);
    await delay(5);
    driver.isCut = false;
  });
});

describe('Cookies of the handshake', () => {
  it('stand in the headers until what they prove is revoked', async () => {
    const { app, accounts, work } = await start();
    accounts.tokens.set('', { userId: 'cora' });
    const headers = { cookie: 'session=1', authorization: 'Basic x', 'user-agent': 'test' };
    const client = createTestingClient<Client>(app, { headers });
    afterTest(() => client.close());
    const open = new Reading(client.house.open());
    await flowing(open);
    const [session] = work.sessions;
    expect(session?.headers).toEqual(headers);
    await app.get(AuthRevocation, { strict: false }).revokeUser('cora');
    expect(session?.headers).toEqual({ 'user-agent': 'test' });
    await flowing(open);
  });
});
