import { afterEach, describe, expect, it } from 'vitest';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { collect, createEngine, type Engine, failure, turns, until } from './engine.js';

let started = 0;
const handlers = {
  who: (call: ServerCall) => {
    started++;
    return [call.connection.id, call.connection.credentials];
  },
  echo: async function* (_call: ServerCall, input: AsyncIterable<unknown>) {
    for await (const item of input) yield item;
  },
};

let engine: Engine<typeof handlers>;

afterEach(() => engine.close());

describe('A connection that is drained', () => {
  it('keeps its calls, and is closed after them; other calls go elsewhere', async () => {
    engine = createEngine(handlers);
    const { client, server } = engine;
    const [first] = (await client.test.who()) as [string];
    const input = new StreamController<number>();
    const output = client.test.echo(input)[Symbol.asyncIterator]();
    input.add(1);
    expect((await output.next()).value).toBe(1);
    for (const connection of server.connections) connection.drain();
    await until(() => client.status === 'idle');
    const [second] = (await client.test.who()) as [string];
    expect(second).not.toBe(first);
    expect([...server.connections].map(({ id }) => id).sort()).toEqual([first, second].sort());
    input.add(2);
    expect((await output.next()).value).toBe(2);
    input.close();
    expect((await output.next()).done).toBe(true);
    await until(() => server.connections.size === 1);
    expect([...server.connections][0]?.id).toBe(second);
    expect(client.status).toBe('connected');
  });

  it('is closed at once when it has no calls', async () => {
    engine = createEngine(handlers);
    const { client, server } = engine;
    await client.test.who();
    for (const connection of server.connections) connection.drain();
    await until(() => server.connections.size === 0);
    expect(client.status).toBe('idle');
  });

  it('refuses what crosses with it as unavailable, without starting it', async () => {
    engine = createEngine(handlers);
    const { client, server } = engine;
    await client.test.who();
    for (const connection of server.connections) connection.drain();
    started = 0;
    expect((await failure(client.test.who())).code).toBe('unavailable');
    expect(started).toBe(0);
    expect(await client.test.who()).toHaveLength(2);
  });

  it('fails its calls when it is closed before they end', async () => {
    engine = createEngine(handlers);
    const { client, server } = engine;
    const lost = failure(collect(client.test.echo(new StreamController<number>())));
    await until(() => server.callCount === 1);
    for (const connection of server.connections) connection.drain();
    await until(() => client.status === 'idle');
    for (const connection of server.connections) connection.close(1001, 'the server goes away');
    const error = await lost;
    expect(error.code).toBe('connection-lost');
    expect(error.message).toContain('1001');
    // It was told before: nothing failed, so nothing waits.
    const next = client.test.who();
    expect(client.status).toBe('connecting');
    await next;
  });

  it('is closed with the client', async () => {
    engine = createEngine(handlers);
    const { client, server } = engine;
    const lost = failure(collect(client.test.echo(new StreamController<number>())));
    await until(() => server.callCount === 1);
    for (const connection of server.connections) connection.drain();
    await until(() => client.status === 'idle');
    await client.close();
    expect((await lost).code).toBe('connection-lost');
    await until(() => server.connections.size === 0);
  });
});

describe('Credentials', () => {
  it('that are refreshed at any point of connecting are seen by the calls that follow', async () => {
    for (let point = 0; point < 6; point++) {
      let token = 'old';
      engine = createEngine(handlers, { client: { credentials: () => token } });
      const { client } = engine;
      void client.test.who();
      await turns(point);
      token = 'new';
      await client.refreshCredentials();
      expect(await client.test.who()).toEqual([expect.anything(), 'new']);
      if (point < 5) await engine.close();
    }
  });
});

describe('An input', () => {
  it('that ends its own call while it is started is stopped, and so are the others', async () => {
    engine = createEngine(handlers);
    const { client, server } = engine;
    const second = new StreamController<number>();
    let stopped = false;
    const first = {
      [Symbol.asyncIterator]() {
        output.cancel();
        return {
          next: () => new Promise(() => undefined),
          return: async () => {
            stopped = true;
            return { done: true, value: undefined };
          },
        };
      },
    };
    const output = client.test.echo(first, second);
    await until(() => stopped && second.isClosed);
    await until(() => server.callCount === 0);
    expect((await failure(output)).code).toBe('cancelled');
  });
});
