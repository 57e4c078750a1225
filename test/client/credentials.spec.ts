import { afterEach, describe, expect, it } from 'vitest';
import type { StreamingClientOptions } from '../../lib/client/options.js';
import type { ServerCall } from '../../lib/server/call.js';
import { failure, turns, until } from '../engine/engine.js';
import { delay, Service } from './service.js';

const handlers = {
  who: (call: ServerCall) => call.connection.credentials,
};

let service: Service<typeof handlers>;

afterEach(() => service.close());

type Credentials = StreamingClientOptions['credentials'];

async function start(
  credentials: NonNullable<Credentials>,
  options: Partial<StreamingClientOptions> = {},
) {
  service = await Service.start(handlers);
  return service.createClient({ credentials, backoff: { firstMs: 1, maxMs: 1 }, ...options });
}

/** A credentials function whose answers are given by hand. */
function byHand() {
  const asked: ((credentials: string) => void)[] = [];
  const credentials = () => new Promise<string>((resolve) => asked.push(resolve));
  return { asked, credentials };
}

describe('The credentials of a client', () => {
  it('may be a text, null or nothing, at once or later, and stand not in the URL', async () => {
    for (const [given, seen] of [
      ['token', 'token'],
      ['', ''],
      [null, null],
      [undefined, null],
    ] as const) {
      const client = await start(() => given);
      expect(await client.test.who()).toBe(seen);
      const later = service.createClient({ credentials: async () => given });
      expect(await later.test.who()).toBe(seen);
      await service.close();
    }
    const none = await start(() => 'x');
    expect(await none.test.who()).toBe('x');
  });

  it('are asked for once for each connection, whatever waits for it', async () => {
    let asked = 0;
    const client = await start(() => `token ${++asked}`, { idleMs: 1 });
    expect(await Promise.all([client.test.who(), client.test.who()])).toEqual([
      'token 1',
      'token 1',
    ]);
    await until(() => client.status === 'idle');
    expect(await client.test.who()).toBe('token 2');
  });

  it('fail the calls that wait when the function throws, rejects or gives no text', async () => {
    const functions: (() => unknown)[] = [
      () => {
        throw new Error('no token');
      },
      async () => Promise.reject(new Error('no token')),
      () => 7,
      async () => ({ token: 'x' }),
      () => () => 'x',
    ];
    for (const given of functions) {
      let works = false;
      const client = await start((() => (works ? 'token' : given())) as never);
      const failed = await Promise.all([failure(client.test.who()), failure(client.test.who())]);
      for (const error of failed) {
        expect(error).toMatchObject({
          code: 'connect-failed',
          message: 'The credentials function failed.',
        });
        expect(error.cause).toBeInstanceOf(Error);
      }
      expect(service.opened).toBe(0);
      works = true;
      expect(await client.test.who()).toBe('token');
      await service.close();
    }
    await start(() => null);
  });

  it('that never come are a timeout, and what comes too late is not used', async () => {
    const { asked, credentials } = byHand();
    const client = await start(credentials, { connectTimeoutMs: 20 });
    const error = await failure(client.test.who());
    expect(error).toMatchObject({
      code: 'connect-timeout',
      message: 'The credentials function did not answer in time.',
    });
    const second = client.test.who();
    await until(() => asked.length === 2);
    asked[0]?.('too late');
    await turns(3);
    expect(service.opened).toBe(0);
    asked[1]?.('token');
    expect(await second).toBe('token');
    expect(service.opened).toBe(1);
  });

  it('are presented anew for the calls that follow a refresh', async () => {
    let token = 'old';
    const client = await start(() => token);
    expect(await client.test.who()).toBe('old');
    token = 'new';
    expect(await client.test.who()).toBe('old');
    await client.refreshCredentials();
    expect(await client.test.who()).toBe('new');
    expect(service.opened).toBe(1);
  });

  it('refreshed while the client connects are those of the connection', async () => {
    const { asked, credentials } = byHand();
    const client = await start(credentials);
    const asking = client.test.who();
    await until(() => asked.length === 1);
    const refreshed = client.refreshCredentials();
    asked[1]?.('new');
    await refreshed;
    asked[0]?.('old');
    expect(await asking).toBe('new');

    for (let point = 0; point < 8; point++) {
      let token = 'old';
      const other = service.createClient({ credentials: () => token });
      void other.test.who();
      await turns(point);
      token = 'new';
      await other.refreshCredentials();
      expect(await other.test.who()).toBe('new');
    }
  });

  it('refreshed without a connection make none', async () => {
    const client = await start(() => 'token');
    await client.refreshCredentials();
    await delay(10);
    expect([client.status, service.opened]).toEqual(['idle', 0]);
  });

  it('that fail on a refresh reject it, and leave the connection as it was', async () => {
    let works = true;
    const client = await start(() => {
      if (works) return 'token';
      throw new Error('no token');
    });
    await client.test.who();
    works = false;
    await expect(client.refreshCredentials()).rejects.toThrow('no token');
    expect(await client.test.who()).toBe('token');
  });
});
