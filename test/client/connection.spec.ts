import { afterEach, describe, expect, it } from 'vitest';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { collect, failure, turns, until } from '../engine/engine.js';
import { usedMemory } from './memory.js';
import { delay, Service } from './service.js';

const handlers = {
  ready: () => 'ready',
  connection: (call: ServerCall) => call.connection.id,
  count: (_call: ServerCall, n: number) => values(...Array(n).keys()),
  echo: async function* (_call: ServerCall, input: AsyncIterable<unknown>) {
    for await (const item of input) yield item;
  },
};

let service: Service<typeof handlers>;

afterEach(() => service.close());

describe('The connection of a client', () => {
  it('opens with the first call, is shared, and closes once the grace period is over', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 30 });
    expect(service.opened).toBe(0);
    const input = new StreamController<number>();
    const echoed = collect(client.test.echo(input));
    expect(await Promise.all([client.test.ready(), client.test.ready()])).toEqual([
      'ready',
      'ready',
    ]);
    await delay(40);
    expect(client.status).toBe('connected');
    input.add(1);
    input.close();
    expect(await echoed).toEqual([1]);
    expect(service.opened).toBe(1);
    expect(client.status).toBe('connected');
    await until(() => service.server.connections.size === 0);
    expect(client.status).toBe('idle');
    expect(await client.test.ready()).toBe('ready');
    expect(service.opened).toBe(2);
  });

  it('is kept by a call that is made in the grace period', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 40 });
    for (let i = 0; i < 4; i++) {
      expect(await client.test.ready()).toBe('ready');
      await delay(15);
    }
    expect(service.opened).toBe(1);
  });

  it('closes after a call that never got anywhere', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 10 });
    client.test.ready().cancel();
    await until(() => service.opened === 1);
    await until(() => service.server.connections.size === 0 && client.status === 'idle');
    await client.test.ready();
    expect((await failure(client.test.ready(() => 1))).code).toBe('invalid-argument');
    await until(() => service.server.connections.size === 0);
  });

  it('is a new one for a call made while the old one closes, whose end disturbs nothing', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 0 });
    for (let round = 0; round < 30; round++) {
      const first = await client.test.connection();
      if (round % 3 === 0) await until(() => client.status === 'idle');
      else await turns(round % 5);
      const input = new StreamController<number>();
      const echoed = client.test.echo(input)[Symbol.asyncIterator]();
      input.add(round);
      expect((await echoed.next()).value).toBe(round);
      if (round % 3 === 0) {
        expect(await client.test.connection()).not.toBe(first);
        await delay(5);
      }
      input.add(-1);
      expect((await echoed.next()).value).toBe(-1);
      expect(client.status).toBe('connected');
      input.close();
      expect((await echoed.next()).done).toBe(true);
    }
  });

  it('carries thousands of calls, and nothing of them is left', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ codec: 'msgpack' });
    const rounds = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const calls = [
          client.test.ready(),
          collect(client.test.count(3)),
          collect(client.test.echo(values(1, 2))),
          failure(client.test.ready(() => 1)),
        ];
        const [ready, counted, echoed] = await Promise.all(calls);
        expect([ready, counted, echoed]).toEqual(['ready', [0, 1, 2], [1, 2]]);
        for await (const _ of client.test.echo(hanging())) break;
      }
    };
    await rounds(300);
    const before = usedMemory();
    await rounds(700);
    expect(usedMemory() - before).toBeLessThan(1_000_000);
    expect(service.opened).toBe(1);
    await until(() => service.server.callCount === 0);
  });
});

/** Gives one item, then hangs in an await for good. */
async function* hanging(): AsyncGenerator<number> {
  yield 1;
  await new Promise(() => undefined);
}

async function* values<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
