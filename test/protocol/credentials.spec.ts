import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createStreamingClient,
  StreamController,
  type StreamingClientControl,
  type StreamingClientOptions,
} from '../../lib/client/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { ServerConnection } from '../../lib/server/connection.js';
import { collect, failure, type Methods } from '../engine/engine.js';
import { createHandlers } from './handlers.js';
import { RawServer } from './raw-server.js';
import { RealServer } from './real-server.js';

const CODECS: CodecName[] = ['json', 'msgpack'];
const UNAUTHENTICATED = { code: 'unauthenticated', message: 'Log in.' };

describe.each(CODECS)('Section 4, a server and credentials in %s', (codec) => {
  let server: RealServer;

  afterEach(() => server.stop());

  const newest = (): ServerConnection => [...server.engine.connections].at(-1) as ServerConnection;

  it('asks for fresh ones with null, and takes what the client answers', async () => {
    server = await RealServer.start(createHandlers([]));
    const peer = await server.connect(codec);
    await peer.settled();
    newest().askCredentials();
    expect(await peer.next()).toEqual([13, null]);
    peer.send([13, 'fresh']);
    await peer.settled();
    expect(newest().credentials).toBe('fresh');
    await server.servesOthers();
  });

  it('closes a client that presents them too often with 4401', async () => {
    server = await RealServer.start(createHandlers([]), { limits: { credentialsPerMinute: 3 } });
    const peer = await server.connect(codec);
    for (const token of ['a', 'b', 'c']) peer.send([13, token]);
    await peer.settled();
    expect(newest().credentials).toBe('c');
    peer.send([13, 'd']);
    expect((await peer.closed).code).toBe(4401);
    await server.servesOthers();
  });

  it('closes a client whose credentials it refused too often with 4401', async () => {
    server = await RealServer.start(createHandlers([]));
    const peer = await server.connect(codec);
    await peer.settled();
    newest().refuse();
    expect((await peer.closed).code).toBe(4401);
  });

  it('that was out of touch throws away what it gathered and closes with 1011', async () => {
    server = await RealServer.start(createHandlers([]));
    const peer = await server.connect(codec);
    peer.send([2, 1, 'test.echo', [null], [0]], peer.item(2, 'before'));
    await peer.until(([type]) => type === 4);
    newest().guardFlush(() => false);
    peer.send(peer.item(2, 'protected'));
    expect((await peer.closed).code).toBe(1011);
    await expect(peer.next()).rejects.toThrow('no frame is left');
    await server.servesOthers();
  });
});

describe.each(CODECS)('Sections 4 and 6.1, a client and credentials in %s', (codec) => {
  let server: RawServer;
  let client: StreamingClientControl & { readonly test: Methods<{ a: unknown; b: unknown }> };
  let tokens: string[];

  function create(options: Partial<StreamingClientOptions> = {}): void {
    client = createStreamingClient({
      url: server.url,
      codec,
      credentials: () => tokens.shift() ?? 'last',
      backoff: { firstMs: 1, maxMs: 2 },
      ...options,
    }) as unknown as typeof client;
  }

  beforeEach(async () => {
    tokens = ['first', 'second', 'third'];
    server = await RawServer.start();
  });

  afterEach(async () => {
    await client.close();
    await server.stop();
  });

  it('answers the wish of the server on the same connection', async () => {
    create();
    const output = client.test.a();
    const peer = await server.welcome();
    await peer.next();
    peer.send([13, null]);
    expect(await peer.next()).toEqual([13, 'second']);
    peer.send([13]);
    expect(await peer.next()).toEqual([13, 'third']);
    peer.send([3, 1, 'value'], peer.item(1, 'alive'), [5, 1]);
    expect(await output).toBe('alive');
  });

  it('ignores that wish where it has none to present', async () => {
    create();
    client.close();
    client = createStreamingClient({ url: server.url, codec }) as unknown as typeof client;
    const output = client.test.a();
    const peer = await server.welcome();
    await peer.next();
    peer.send([13, null]);
    expect(await peer.settled()).toEqual([]);
    peer.send([6, 1, UNAUTHENTICATED]);
    expect(await failure(output)).toMatchObject(UNAUTHENTICATED);
    expect(await peer.settled()).toEqual([]);
  });

  it('opens a refused call again behind fresh ones, its inputs from their first item on', async () => {
    create();
    const input = new StreamController<string>();
    void input.add('x');
    const output = client.test.a('arg', input);
    const peer = await server.welcome();
    expect(await peer.next()).toEqual([2, 1, 'test.a', ['arg', null], [1]]);
    expect(await peer.next()).toEqual(peer.item(2, 'x'));
    peer.send([6, 1, UNAUTHENTICATED]);
    expect(await peer.next()).toEqual([13, 'second']);
    expect(await peer.next()).toEqual([2, 3, 'test.a', ['arg', null], [1]]);
    expect(await peer.next()).toEqual(peer.item(4, 'x'));
    void input.add('y');
    input.close();
    expect(await peer.next()).toEqual(peer.item(4, 'y'));
    expect(await peer.next()).toEqual([5, 4]);
    peer.send([3, 3, 'value'], peer.item(3, 'done'), [5, 3]);
    expect(await output).toBe('done');
  });

  it('opens it once', async () => {
    create();
    const output = client.test.a();
    const peer = await server.welcome();
    await peer.next();
    peer.send([6, 1, UNAUTHENTICATED]);
    await peer.next();
    await peer.next();
    peer.send([6, 2, UNAUTHENTICATED]);
    expect(await failure(output)).toMatchObject(UNAUTHENTICATED);
    expect(await peer.settled()).toEqual([]);
  });

  it.each<[sign: string, frames: readonly (readonly unknown[])[]]>([
    ['opened', [[3, 1, 'stream']]],
    ['an item', [[4, 1, 1, 7]]],
    ['credit for an input', [[8, 2, 1, 1]]],
    ['a cancel of an input', [[7, 2]]],
  ])('fails a call that was refused behind a sign of life: %s', async (_, frames) => {
    create();
    const output = client.test.a(new StreamController());
    const peer = await server.welcome();
    await peer.next();
    peer.send(...frames, [6, 1, UNAUTHENTICATED]);
    expect(await failure(collect(output))).toMatchObject(UNAUTHENTICATED);
    const told = await peer.settled();
    expect(told.filter(([type]) => type === 13 || type === 2)).toEqual([]);
  });

  it('asks once for calls that are refused together', async () => {
    create();
    const outputs = [client.test.a(), client.test.b()];
    const peer = await server.welcome();
    await peer.next();
    await peer.next();
    peer.send([6, 1, UNAUTHENTICATED], [6, 2, UNAUTHENTICATED]);
    expect(await peer.next()).toEqual([13, 'second']);
    expect(await peer.next()).toEqual([2, 3, 'test.a', [], []]);
    expect(await peer.next()).toEqual([2, 4, 'test.b', [], []]);
    peer.send([3, 3, 'value'], [5, 3], [3, 4, 'value'], [5, 4]);
    await Promise.all(outputs);
  });

  it.each(['unauthenticated', 'unavailable'])(
    'opens a call refused as %s behind a drain on the next connection, once',
    async (code) => {
      create();
      const output = client.test.a(values(1, 2));
      const old = await server.welcome();
      await old.until(([type]) => type === 5);
      old.send([12], [6, 1, { code, message: 'Elsewhere, please.' }]);
      const next = await server.accept();
      expect((await next.next())[2]).toBe('second');
      next.send([1, 'raw', [4096, 262_144], 1_048_576]);
      expect(await next.next()).toEqual([2, 1, 'test.a', [null], [0]]);
      expect((await next.until(([type]) => type === 5)).at(-1)).toEqual([5, 2]);
      expect((await old.closed).code).toBe(1000);
      next.send([12], [6, 1, { code, message: 'Elsewhere, please.' }]);
      expect(await failure(output)).toMatchObject({ code });
      expect(server.connections).toBe(2);
    },
  );

  it('fails a call refused as unavailable where the server does not drain', async () => {
    create();
    const output = client.test.a();
    const peer = await server.welcome();
    await peer.next();
    peer.send([6, 1, { code: 'unavailable', message: 'Not now.' }]);
    expect(await failure(output)).toMatchObject({ code: 'unavailable' });
    expect(await peer.settled()).toEqual([]);
  });
});

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
