import { afterEach, describe, expect, it } from 'vitest';
import type { StreamingClientOptions } from '../../lib/client/options.js';
import type { ServerCall } from '../../lib/server/call.js';
import { failure, turns, until } from '../engine/engine.js';
import { delay, Service } from './service.js';

const handlers = {
  who: (call: ServerCall) => call.connection.credentials,
  hold: (call: ServerCall) => new Promise<void>((resolve) => call.onOver(resolve)),
};

/** What clients presented, in order. */
let frames: (string | null)[] = [];

let service: Service<typeof handlers>;

afterEach(async () => {
  frames = [];
  await service.close();
});

type Credentials = StreamingClientOptions['credentials'];

async function start(
  credentials: NonNullable<Credentials>,
  options: Partial<StreamingClientOptions> = {},
) {
  service = await Service.start(handlers, {}, (connection) => frames.push(connection.credentials));
  return service.createClient({ credentials, backoff: { firstMs: 1, maxMs: 1 }, ...options });
}

/** The server wishes fresh credentials of all its clients. */
function ask(): void {
  for (const connection of service.server.connections) connection.askCredentials();
}

/** What the server's newest connection was presented last. */
function presented(): string | null | undefined {
  return [...service.server.connections].at(-1)?.credentials;
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

  it('are asked for and presented when the server wishes, on the open connection', async () => {
    let token = 'old';
    const client = await start(() => token);
    expect(await client.test.who()).toBe('old');
    token = 'new';
    ask();
    await until(() => presented() === 'new');
    expect(await client.test.who()).toBe('new');
    expect(service.opened).toBe(1);
  });

  it('that fail when the server wishes them disturb nothing, and are asked for again', async () => {
    let given: () => string = () => 'old';
    let asked = 0;
    const client = await start(() => {
      asked++;
      return given();
    });
    const output = client.test.hold();
    await until(() => service.server.callCount === 1);
    for (const wrong of [() => 7 as never, () => Promise.reject(new Error('no token')) as never]) {
      given = wrong;
      const before = asked;
      ask();
      await until(() => asked > before);
      await turns(5);
    }
    given = () => {
      throw new Error('no token');
    };
    ask();
    await until(() => asked === 4);
    expect([client.status, service.server.callCount]).toEqual(['connected', 1]);
    given = () => 'new';
    ask();
    await until(() => presented() === 'new');
    output.cancel();
    await failure(output);
  });

  it('are asked for once however often the server wishes at once', async () => {
    const { asked, credentials } = byHand();
    const client = await start(credentials);
    const asking = client.test.who();
    await until(() => asked.length === 1);
    asked[0]?.('old');
    await asking;
    for (let i = 0; i < 50; i++) ask();
    await turns(20);
    expect(asked).toHaveLength(2);
    asked[1]?.('new');
    await until(() => presented() === 'new');
    ask();
    await until(() => asked.length === 3);
    asked[2]?.('newest');
    await until(() => presented() === 'newest');
  });

  it('are not there without a function, whatever the server wishes', async () => {
    service = await Service.start(handlers, {}, (it) => frames.push(it.credentials));
    const client = service.createClient();
    expect(await client.test.who()).toBeNull();
    ask();
    await turns(20);
    expect(await client.test.who()).toBeNull();
    expect(frames).toEqual([null]);
  });

  it('are presented on a connection that drains, too, when it asks for them', async () => {
    let token = 'old';
    const client = await start(() => token);
    const output = client.test.hold();
    await until(() => service.server.callCount === 1);
    const [leaving] = service.server.connections;
    leaving?.drain();
    await until(() => client.status === 'idle');
    token = 'new';
    leaving?.askCredentials();
    await until(() => leaving?.credentials === 'new');
    expect(service.opened).toBe(1);
    token = 'newest';
    expect(await client.test.who()).toBe('newest');
    await client.refreshCredentials();
    await turns(20);
    expect(leaving?.credentials).toBe('new');
    output.cancel();
    await failure(output);
  });

  it('count that were asked for last, in whatever order they come', async () => {
    const { asked, credentials } = byHand();
    const client = await start(credentials);
    const asking = client.test.who();
    await until(() => asked.length === 1);
    asked[0]?.('first');
    await asking;
    const refreshes = [client.refreshCredentials(), client.refreshCredentials()];
    ask();
    await until(() => asked.length === 4);
    asked[3]?.('fourth');
    await until(() => presented() === 'fourth');
    asked[2]?.('third');
    asked[1]?.('second');
    await Promise.all(refreshes);
    await turns(20);
    expect(frames).toEqual(['first', 'fourth']);
    expect(await client.test.who()).toBe('fourth');
  });
});
