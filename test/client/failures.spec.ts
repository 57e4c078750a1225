import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { StreamError } from '../../lib/protocol/stream-error.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { collect, failure, until } from '../engine/engine.js';
import { delay, Service } from './service.js';

const ends: unknown[] = [];
const handlers = {
  ready: () => 'ready',
  slow: async (call: ServerCall) => {
    call.onClose(() => ends.push(call.end));
    await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
  },
  echo: async function* (call: ServerCall, input: AsyncIterable<unknown>) {
    call.onClose(() => ends.push(call.end));
    for await (const item of input) yield item;
  },
};

let service: Service<typeof handlers>;

afterEach(() => service.close());

describe('A server that can’t be reached', () => {
  it('fails a call through its promise and through its stream, and stops its inputs', async () => {
    service = await Service.start(handlers);
    await service.crash();
    const client = service.createClient({ backoff: { firstMs: 1, maxMs: 1 } });
    let stopped = 0;
    const input = () => new StreamController<number>({ onCancel: () => stopped++ });
    const failed: StreamError[] = await Promise.all([
      failure(client.test.echo(input())),
      failure(collect(client.test.echo(input()))),
    ]);
    for (const error of failed) {
      expect(error.code).toBe('connect-failed');
      expect(error.message).toMatch(/ECONNREFUSED|network error/);
    }
    expect(stopped).toBe(2);
    await service.start();
    expect(await client.test.ready()).toBe('ready');
  });

  it('is one without TLS for a client that wants it', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ url: service.url.replace('ws:', 'wss:') });
    expect((await failure(client.test.ready())).code).toBe('connect-failed');
  });

  it('is one that has nothing at the path, which is told where the platform tells', async () => {
    service = await Service.start(handlers);
    const other = createHttpServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const client = service.createClient({ url: `ws://127.0.0.1:${port}/elsewhere` });
    expect(await failure(client.test.ready())).toMatchObject({
      code: 'connect-failed',
      message: expect.stringMatching(/404: no StreamingModule answers at this path|network error/),
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it('fails no call of a client whose URL its WebSocket refuses at once, but through the call', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ url: 'ws://127.0.0.1:1/streaming#part' });
    expect((await failure(client.test.ready())).code).toBe('connect-failed');
    expect(client.status).toBe('idle');
  });
});

describe('A server that accepts and never answers', () => {
  let silent: Server;
  const sockets: Socket[] = [];

  async function startSilent(): Promise<string> {
    silent = createServer((socket) => {
      sockets.push(socket.resume());
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    return `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  it('fails a call with connect-timeout, through its promise and its stream', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ url: await startSilent(), connectTimeoutMs: 30 });
    const failed = await Promise.all([
      failure(client.test.ready()),
      failure(collect(client.test.ready())),
    ]);
    expect(failed.map(({ code }) => code)).toEqual(['connect-timeout', 'connect-timeout']);
    expect(failed[0]?.message).toBe('The server did not answer in time.');
    await until(() => sockets[0]?.destroyed === true);
  });

  it('fails one whose WebSocket opens, but who is never welcomed, just so', async () => {
    service = await Service.start(handlers);
    const mute = new WebSocketServer({
      port: 0,
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    const client = service.createClient({
      url: `ws://127.0.0.1:${(mute.address() as AddressInfo).port}`,
      connectTimeoutMs: 30,
    });
    await startSilent();
    expect((await failure(client.test.ready())).code).toBe('connect-timeout');
    await until(() => mute.clients.size === 0);
    await new Promise((resolve) => mute.close(resolve));
  });
});

describe('A connection that is lost', () => {
  it('ends every open call on both sides, and the next call works once the server is back', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ backoff: { firstMs: 5, maxMs: 20 } });
    let stopped = false;
    const input = new StreamController<number>({ onCancel: () => (stopped = true) });
    const reader = client.test.echo(input)[Symbol.asyncIterator]();
    input.add(1);
    expect((await reader.next()).value).toBe(1);
    const lost = Promise.all([
      failure(client.test.slow()),
      failure(collect(client.test.slow())),
      failure(reader.next()),
    ]);
    await until(() => service.server.callCount === 3);
    ends.length = 0;
    await service.crash();
    expect((await lost).map(({ code }) => code)).toEqual(Array(3).fill('connection-lost'));
    await until(() => ends.length === 3 && stopped);
    expect(ends).toEqual(Array(3).fill('connection-lost'));
    expect((await failure(client.test.ready())).code).toBe('connect-failed');
    await service.start();
    expect(await client.test.ready()).toBe('ready');
  });

  it('takes a call that a stopped source makes over a new connection', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ backoff: { firstMs: 5, maxMs: 5 } });
    let again: Promise<unknown> | undefined;
    const input = new StreamController<number>({ onCancel: () => (again = client.test.ready()) });
    const lost = failure(collect(client.test.echo(input)));
    await until(() => service.server.callCount === 1);
    for (const socket of service.sockets) socket.destroy();
    expect((await lost).code).toBe('connection-lost');
    expect(await again).toBe('ready');
  });

  it('is tried again late when the server’s code says that it is hopeless', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ backoff: { firstMs: 1, maxMs: 2_000_000_000 } });
    expect(await client.test.ready()).toBe('ready');
    for (const connection of service.server.connections) connection.close(4400, 'senseless');
    await until(() => client.status === 'idle');
    const waiting = failure(client.test.ready());
    expect(client.status).toBe('waiting');
    await delay(20);
    expect([client.status, service.opened]).toEqual(['waiting', 1]);
    await client.close();
    expect((await waiting).message).toBe('The client is closed.');
  });

  it('says so when the server does not speak the client’s version', async () => {
    service = await Service.start(handlers);
    const other = new WebSocketServer({ port: 0, handleProtocols: (it) => [...it][0] ?? false });
    other.on('connection', (socket) => socket.close(4406, 'this server speaks version 9'));
    const client = service.createClient({
      url: `ws://127.0.0.1:${(other.address() as AddressInfo).port}`,
      backoff: { firstMs: 1, maxMs: 2_000_000_000 },
    });
    const error = await failure(client.test.ready());
    expect(error.code).toBe('connect-failed');
    expect(error.message).toContain('4406: this server speaks version 9');
    void failure(client.test.ready());
    expect(client.status).toBe('waiting');
    await until(() => other.clients.size === 0);
    await new Promise((resolve) => other.close(resolve));
  });

  it('is tried again at times of their own by the clients of one server', async () => {
    service = await Service.start(handlers);
    const clients = Array.from({ length: 40 }, () =>
      service.createClient({ backoff: { firstMs: 200, maxMs: 200 } }),
    );
    await Promise.all(clients.map((client) => client.test.ready()));
    await service.crash();
    await until(() => clients.every(({ status }) => status === 'idle'));
    await service.start();
    const before = performance.now();
    const times = await Promise.all(
      clients.map((client) => client.test.ready().then(() => performance.now() - before)),
    );
    times.sort((a, b) => a - b);
    expect((times[35] ?? 0) - (times[4] ?? 0)).toBeGreaterThan(50);
  });
});
