import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientStatus } from '../../lib/client/types.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { failure, turns, until } from '../engine/engine.js';
import { delay, Service } from './service.js';

const handlers = {
  ready: () => 'ready',
  slow: async (call: ServerCall) => {
    await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
  },
};

let service: Service<typeof handlers>;

afterEach(() => service.close());

async function expectClosed(client: ReturnType<typeof service.createClient>): Promise<void> {
  expect(client.status).toBe('closed');
  const error = await failure(client.test.ready());
  expect(error).toMatchObject({ code: 'cancelled', message: 'The client is closed.' });
  const input = new StreamController<number>();
  await failure(client.test.ready(input));
  expect(input.isClosed).toBe(true);
  await turns(5);
  expect(client.status).toBe('closed');
}

describe('A client that is closed', () => {
  it('while it is idle makes no connection any more', async () => {
    service = await Service.start(handlers);
    const client = service.createClient();
    await client.close();
    await expectClosed(client);
    expect(service.opened).toBe(0);
  });

  it('while it connects gives up, and fails the calls that wait', async () => {
    service = await Service.start(handlers);
    for (let point = 0; point < 12; point++) {
      const client = service.createClient();
      const told: ClientStatus[] = [];
      client.onStatus((status) => told.push(status));
      const waiting = failure(client.test.slow());
      await turns(point);
      await client.close();
      expect((await waiting).code).toMatch(/^(cancelled|connection-lost)$/);
      await expectClosed(client);
      expect(told.at(-1)).toBe('closed');
      expect(told.filter((status) => status === 'closed')).toHaveLength(1);
    }
  });

  it('while it asks for credentials opens no socket when they come', async () => {
    service = await Service.start(handlers);
    let give: (credentials: string) => void = () => undefined;
    const client = service.createClient({
      credentials: () => new Promise<string>((resolve) => (give = resolve)),
    });
    const waiting = failure(client.test.ready());
    await client.close();
    expect((await waiting).message).toBe('The client is closed.');
    give('too late');
    await delay(20);
    expect(service.opened).toBe(0);
    await expectClosed(client);
  });

  it('while it waits for the next attempt makes none', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ backoff: { firstMs: 60_000, maxMs: 60_000 } });
    await service.crash();
    await failure(client.test.ready());
    const waiting = failure(client.test.ready());
    expect(client.status).toBe('waiting');
    await client.close();
    expect((await waiting).message).toBe('The client is closed.');
    await expectClosed(client);
  });

  it('while calls are open fails them, and resolves when its socket is closed', async () => {
    service = await Service.start(handlers);
    const client = service.createClient();
    const open = failure(client.test.slow());
    await until(() => service.server.callCount === 1);
    await client.close();
    expect(await open).toMatchObject({
      code: 'connection-lost',
      message: 'The connection was lost (1000, it was closed by its client).',
    });
    await until(() => service.server.connections.size === 0);
    await expectClosed(client);
  });

  it('while its connection closes waits for that', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ idleMs: 0 });
    await client.test.ready();
    await until(() => client.status === 'idle');
    await client.close();
    await until(() => service.sockets.length === 0);
    await expectClosed(client);
  });

  it('by the source of an input, while calls are opened, fails those that are left', async () => {
    service = await Service.start(handlers);
    const client = service.createClient();
    const closing = {
      subscribe() {
        void client.close();
        return { unsubscribe: () => undefined };
      },
    };
    const failed = await Promise.all([
      failure(client.test.ready(closing)),
      failure(client.test.ready()),
    ]);
    expect(failed.map(({ code }) => code)).toEqual(['connection-lost', 'connection-lost']);
    await expectClosed(client);
  });

  it('does not wait for ever for a server that hangs', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ connectTimeoutMs: 40 });
    await client.test.ready();
    for (const socket of service.sockets) socket.pause();
    const before = performance.now();
    await client.close();
    expect(performance.now() - before).toBeLessThan(1_000);
    for (const socket of service.sockets) socket.resume();
  });

  it('does not wait for one that never answered', async () => {
    service = await Service.start(handlers);
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.resume()));
    silent.on('connection', (socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const client = service.createClient({
      url: `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    });
    const waiting = failure(client.test.ready());
    await until(() => sockets.length === 1);
    await client.close();
    expect((await waiting).message).toBe('The client is closed.');
    await expectClosed(client);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});
