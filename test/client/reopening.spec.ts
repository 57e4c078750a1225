import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamController, StreamError } from '../../lib/client/index.js';
import type { StreamingClientOptions } from '../../lib/client/options.js';
import type { ServerCall } from '../../lib/server/call.js';
import { collect, failure, turns, until } from '../engine/engine.js';
import { delay, Service } from './service.js';

/** The calls that were opened, by the credentials they came with. */
let opened: (string | null)[] = [];
/** What a guard waits for before it answers. */
let guard: () => Promise<void> = async () => undefined;
let isGood = (credentials: string | null): boolean => credentials === 'good';

/** Ends the newest call of `open`. */
let finish: () => void = () => undefined;

async function admit(call: ServerCall): Promise<void> {
  const { credentials } = call.connection;
  opened.push(credentials);
  await guard();
  if (!isGood(credentials)) throw new StreamError('unauthenticated', 'Log in, please.');
}

const handlers = {
  async who(call: ServerCall) {
    await admit(call);
    return call.connection.credentials;
  },
  async echo(call: ServerCall, input: AsyncIterable<unknown>) {
    await admit(call);
    return echo(input);
  },
  async join(call: ServerCall, ...inputs: AsyncIterable<unknown>[]) {
    await admit(call);
    return Promise.all(inputs.map((input) => collect(input)));
  },
  /** Begins, and then finds out that it may not. */
  async *late(call: ServerCall) {
    opened.push(call.connection.credentials);
    yield 1;
    throw new StreamError('unauthenticated', 'No more.');
  },
  async reading(call: ServerCall, input: AsyncIterable<unknown>) {
    opened.push(call.connection.credentials);
    for await (const _ of input) break;
    throw new StreamError('unauthenticated', 'No more.');
  },
  open: (call: ServerCall) => {
    opened.push(call.connection.credentials);
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  },
};

let service: Service<typeof handlers>;

afterEach(async () => {
  opened = [];
  guard = async () => undefined;
  isGood = (credentials) => credentials === 'good';
  await service.close();
});

async function start(
  credentials?: StreamingClientOptions['credentials'],
  options: Partial<StreamingClientOptions> = {},
) {
  service = await Service.start(handlers);
  return service.createClient({
    backoff: { firstMs: 1, maxMs: 1 },
    ...(credentials === undefined ? {} : { credentials }),
    ...options,
  });
}

/** A credentials function that gives these, and then the last of them again. */
function giving(...tokens: (string | null)[]) {
  const asked: number[] = [];
  const credentials = () => {
    asked.push(asked.length);
    return tokens[Math.min(asked.length, tokens.length) - 1] ?? null;
  };
  return { asked, credentials };
}

/** Gives a first answer, and then those that are given by hand. */
function byHand(first: string) {
  const asked: { give(credentials: string): void; fail(error: Error): void }[] = [];
  let isFirst = true;
  const credentials = (): string | Promise<string> => {
    if (isFirst) {
      isFirst = false;
      return first;
    }
    return new Promise<string>((give, fail) => asked.push({ give, fail }));
  };
  return { asked, credentials };
}

const REFUSED = { code: 'unauthenticated', message: 'Log in, please.' };

describe('A call that is refused as unauthenticated', () => {
  it('is opened once more, behind fresh credentials that are asked for once', async () => {
    const { asked, credentials } = giving('stale', 'good');
    const client = await start(credentials);
    expect(await client.test.who()).toBe('good');
    expect([opened, asked.length, service.opened]).toEqual([['stale', 'good'], 2, 1]);
  });

  it('fails when it is refused again', async () => {
    const { asked, credentials } = giving('stale', 'bad', 'good');
    const client = await start(credentials);
    expect(await failure(client.test.who())).toMatchObject(REFUSED);
    expect([opened, asked.length]).toEqual([['stale', 'bad'], 2]);
    expect(await client.test.who()).toBe('good');
  });

  it('fails at once without a credentials function', async () => {
    const client = await start();
    expect(await failure(client.test.who())).toMatchObject(REFUSED);
    expect(opened).toEqual([null]);
  });

  it('shares one question and one answer with those that are refused with it', async () => {
    const { asked, credentials } = giving('stale', 'good');
    const client = await start(credentials);
    const outputs = Array.from({ length: 10 }, () => client.test.who());
    expect(await Promise.all(outputs)).toEqual(outputs.map(() => 'good'));
    expect(asked).toHaveLength(2);
    expect(opened.filter((it) => it === 'stale')).toHaveLength(10);
  });

  it('asks nothing when fresh credentials were presented behind it', async () => {
    let proceed: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    guard = async () => {
      if (opened.length === 1) await waits;
    };
    const { asked, credentials } = giving('stale', 'good');
    const client = await start(credentials);
    const slow = client.test.who();
    await until(() => opened.length === 1);
    await client.refreshCredentials();
    expect(await client.test.who()).toBe('good');
    proceed();
    expect(await slow).toBe('good');
    expect(asked).toHaveLength(2);
  });

  it('once it has begun is not opened again', async () => {
    const { asked, credentials } = giving('stale');
    const client = await start(credentials);
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of client.test.late()) items.push(item);
    })();
    expect(await failure(reading)).toMatchObject({ code: 'unauthenticated' });
    expect([items, opened.length, asked.length]).toEqual([[1], 1, 1]);
  });

  it('is not opened again once its handler has stopped an input', async () => {
    const { asked, credentials } = giving('stale');
    const client = await start(credentials);
    const input = new StreamController<number>();
    void input.add(1);
    expect(await failure(client.test.reading(input))).toMatchObject({ code: 'unauthenticated' });
    expect([opened.length, asked.length]).toEqual([1, 1]);
  });

  it('keeps its place among those that were made: cancelled meanwhile, it is not opened', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials);
    const input = new StreamController<number>();
    const output = client.test.echo(input);
    const other = client.test.who();
    await until(() => asked.length === 1);
    output.cancel();
    expect(await collect(output)).toEqual([]);
    await turns(5);
    expect(input.isClosed).toBe(true);
    asked[0]?.give('good');
    expect(await other).toBe('good');
    expect(opened).toEqual(['stale', 'stale', 'good']);
  });

  it('fails with the refusal when no answer comes in time; a late one is presented', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials, { connectTimeoutMs: 40 });
    const input = new StreamController<number>();
    expect(await failure(client.test.echo(input))).toMatchObject(REFUSED);
    expect(input.isClosed).toBe(true);
    asked[0]?.give('good');
    await turns(3);
    expect(await client.test.who()).toBe('good');
    expect(asked).toHaveLength(1);
  });

  it('fails with the refusal and its cause when the function fails', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials);
    const error = failure(client.test.who());
    await until(() => asked.length === 1);
    const cause = new Error('logged out');
    asked[0]?.fail(cause);
    expect(await error).toMatchObject({ ...REFUSED, cause });
    expect(opened).toEqual(['stale']);
  });

  it('is kept though its connection has no other calls', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials, { idleMs: 0 });
    const output = client.test.who();
    const other = client.test.open();
    await until(() => asked.length === 1);
    finish();
    await other;
    await delay(10);
    asked[0]?.give('good');
    expect(await output).toBe('good');
    expect(service.opened).toBe(1);
    await until(() => client.status === 'idle');
  });

  it('fails when the client is closed meanwhile', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials);
    const input = new StreamController<number>();
    const error = failure(client.test.echo(input));
    await until(() => asked.length === 1);
    await client.close();
    expect(await error).toMatchObject({ code: 'cancelled' });
    expect(input.isClosed).toBe(true);
  });

  it('is opened on the next connection when its own is lost meanwhile', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials);
    const output = client.test.echo(values(1, 2, 3));
    await until(() => asked.length === 1);
    for (const connection of service.server.connections) connection.close(1001, 'away');
    await until(() => client.status === 'idle');
    asked[0]?.give('unused');
    await until(() => asked.length === 2);
    asked[1]?.give('good');
    expect(await collect(output)).toEqual([1, 2, 3]);
    expect([opened, service.opened]).toEqual([['stale', 'good'], 2]);
  });

  it('is opened on the next connection when its own is drained meanwhile', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials);
    const output = client.test.echo(values(1, 2, 3));
    await until(() => asked.length === 1);
    for (const connection of service.server.connections) connection.drain();
    await until(() => client.status === 'idle');
    asked[0]?.give('good');
    await until(() => asked.length === 2);
    asked[1]?.give('good');
    expect(await collect(output)).toEqual([1, 2, 3]);
    expect(service.opened).toBe(2);
  });

  it('behind a drain presents what the next connection asks for', async () => {
    // What the auth side does with credentials of another user.
    guard = async () => {
      for (const connection of service.server.connections) {
        if (connection.credentials !== 'good') connection.drain();
      }
    };
    const { asked, credentials } = giving('other user', 'good');
    const client = await start(credentials);
    expect(await client.test.who()).toBe('good');
    expect([opened, asked.length, service.opened]).toEqual([['other user', 'good'], 2, 2]);
  });

  it('renewed and then drained goes to the next connection, and no further', async () => {
    guard = async () => {
      for (const connection of service.server.connections) {
        if (connection.credentials !== 'stale') connection.drain();
      }
    };
    isGood = () => false;
    const { asked, credentials } = giving('stale', 'other user', 'third');
    const client = await start(credentials);
    expect(await failure(client.test.who())).toMatchObject(REFUSED);
    expect(opened).toEqual(['stale', 'other user', 'third']);
    expect(asked).toHaveLength(3);
  });

  it('asks no more often than servers allow, and fails beyond that', async () => {
    isGood = () => false;
    const { asked, credentials } = giving('bad');
    const client = await start(credentials, { limits: { credentialsPerMinute: 10 } });
    for (let i = 0; i < 20; i++) {
      expect(await failure(client.test.who())).toMatchObject(REFUSED);
    }
    expect([asked.length, service.opened]).toEqual([6, 1]);
  });
});

describe('The inputs of a call that is opened again', () => {
  it('lose nothing that was read for the first try', async () => {
    const { credentials } = giving('stale', 'good');
    guard = () => delay(5);
    const client = await start(credentials);
    const all = Array.from({ length: 10_000 }, (_, i) => i);
    expect(await collect(client.test.echo(values(...all)))).toEqual(all);
    expect(opened).toEqual(['stale', 'good']);
  });

  it('are each as they were: ended, empty, failed, still open', async () => {
    const { asked, credentials } = byHand('stale');
    const client = await start(credentials);
    const open = new StreamController<number>();
    await open.add(1);
    const output = client.test.join(values(1, 2), values(), open);
    await until(() => asked.length === 1);
    await open.add(2);
    asked[0]?.give('good');
    await until(() => opened.length === 2);
    await open.add(3);
    open.close();
    expect(await output).toEqual([[1, 2], [], [1, 2, 3]]);
  });

  it('may end or fail while credentials are asked for', async () => {
    for (const fails of [false, true]) {
      const { asked, credentials } = byHand('stale');
      const client = await start(credentials);
      const input = new StreamController<number>();
      await input.add(1);
      const output = client.test.join(input);
      await until(() => asked.length === 1);
      const wrong = new Error('a broken source');
      if (fails) input.addError(wrong);
      else input.close();
      await turns(3);
      asked[0]?.give('good');
      if (fails) expect((await failure(output)).cause).toBe(wrong);
      else expect(await output).toEqual([[1]]);
      await service.close();
      opened = [];
    }
    await start();
  });

  it('read no more than the first credit while the call has not begun', async () => {
    let read = 0;
    async function* source() {
      for (;;) yield read++;
    }
    let proceed: () => void = () => undefined;
    guard = () =>
      new Promise((resolve) => {
        proceed = resolve;
      });
    const { credentials } = giving('good');
    const client = await start(credentials);
    const output = client.test.echo(source());
    await until(() => opened.length === 1);
    await delay(20);
    expect(read).toBeLessThanOrEqual(4097);
    proceed();
    const reader = output[Symbol.asyncIterator]();
    for (let i = 0; i < 10_000; i++) expect((await reader.next()).value).toBe(i);
    await reader.return?.();
  });

  it('are let go when the call ends on its second try', async () => {
    let returned = 0;
    async function* source() {
      try {
        for (let i = 0; ; i++) {
          yield i;
          await turns(1);
        }
      } finally {
        returned++;
      }
    }
    isGood = () => false;
    const { credentials } = giving('stale', 'bad');
    const client = await start(credentials);
    expect(await failure(client.test.echo(source()))).toMatchObject(REFUSED);
    await until(() => returned === 1);
    expect(opened).toHaveLength(2);
  });
});

describe('A call that is refused because the server leaves', () => {
  it('is opened on the next connection', async () => {
    const { credentials } = giving('good');
    const client = await start(credentials);
    await client.test.who();
    for (const connection of service.server.connections) connection.drain();
    // The client has not heard of it yet.
    expect(await collect(client.test.echo(values(1, 2)))).toEqual([1, 2]);
    expect([opened.length, service.opened]).toEqual([2, 2]);
  });
});

describe('The sources of inputs', () => {
  it('run in the asynchronous context of their own call, not of the one that connects', async () => {
    const user = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    async function* source() {
      try {
        seen.push(user.getStore());
        // More than the first credit, so that it waits for the server now and then.
        for (let i = 0; i < 5_000; i++) yield i;
        seen.push(user.getStore());
      } finally {
        seen.push(user.getStore());
      }
    }
    const client = await start(giving('stale', 'good').credentials);
    const outputs = ['anna', 'ben'].map((name) =>
      user.run(name, () => collect(client.test.echo(source()))),
    );
    for (const items of await Promise.all(outputs)) expect(items).toHaveLength(5_000);
    expect(seen.sort()).toEqual(['anna', 'anna', 'anna', 'ben', 'ben', 'ben']);
  });

  it('are let go in it, too, whoever cancels the call', async () => {
    const user = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    async function* endless() {
      try {
        for (;;) yield 1;
      } finally {
        seen.push(user.getStore());
      }
    }
    for (const credentials of [undefined, giving('good').credentials]) {
      const client = await start(credentials);
      const output = user.run('anna', () => client.test.open(endless()));
      output.catch(() => undefined);
      await until(() => opened.length > 0);
      await delay(20);
      user.run('ben', () => output.cancel());
      await until(() => seen.length > 0);
      expect(seen.splice(0)).toEqual(['anna']);
      finish();
      await service.close();
      opened = [];
    }
    await start();
  });
});

async function* echo(input: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  yield* input;
}

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
