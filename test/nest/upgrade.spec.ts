import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { StreamingMethod, StreamingModule } from '../../lib/index.js';
import { UpgradeInterceptor } from '../../lib/nest/upgrade-interceptor.js';
import { afterTest, connectTo, failure, type Platform, startApp } from './app.js';

@Injectable()
class PingService {
  @StreamingMethod()
  ping(): string {
    return 'pong';
  }
}

@Controller()
class HelloController {
  @Get('hello')
  hello(): string {
    return 'hello';
  }
}

@WebSocketGateway({ path: '/gateway' })
class PathGateway {
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown) {
    return { event: 'echo', data };
  }
}

@WebSocketGateway()
class SocketIoGateway {
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown) {
    return data;
  }
}

/** The status line of what a server answers to an upgrade request. */
async function upgradeStatus(port: number, path: string): Promise<string> {
  const socket = connectSocket(port, '127.0.0.1');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  let answer = '';
  for await (const chunk of socket) {
    answer += String(chunk);
    if (answer.includes('\r\n')) break;
  }
  socket.destroy();
  return answer.split('\r\n')[0] ?? '';
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return response.text();
}

async function echoThroughGateway(port: number): Promise<unknown> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/gateway`);
  await once(socket, 'open');
  socket.send(JSON.stringify({ event: 'echo', data: 'text' }));
  const [message] = await once(socket, 'message');
  socket.close();
  await once(socket, 'close');
  return JSON.parse(String(message));
}

describe.each<Platform>(['express', 'fastify'])('on %s', (platform) => {
  const metadata = { platform, providers: [PingService], controllers: [HelloController] };

  async function ping(port: number): Promise<string> {
    return connectTo<{ ping: PingService }>(port).ping.ping();
  }

  it('the module shares the HTTP server, and a global prefix does not move it', async () => {
    const { port } = await startApp({
      ...metadata,
      configure: (app) => app.setGlobalPrefix('api'),
    });
    expect(await ping(port)).toBe('pong');
    expect(await textOf(`http://127.0.0.1:${port}/api/hello`)).toBe('hello');
  });

  it('other paths are answered with 404 when nobody else takes upgrades', async () => {
    const { port } = await startApp(metadata);
    expect(await upgradeStatus(port, '/elsewhere')).toBe('HTTP/1.1 404 Not Found');
    expect(await upgradeStatus(port, '/streaming/more')).toBe('HTTP/1.1 404 Not Found');
    expect(await upgradeStatus(port, '/streaming')).toBe('HTTP/1.1 400 Bad Request');
    expect(await ping(port)).toBe('pong');
  });

  it('it lives beside a gateway of WsAdapter', async () => {
    const { port } = await startApp({
      ...metadata,
      providers: [PingService, PathGateway],
      configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    });
    expect(await ping(port)).toBe('pong');
    expect(await echoThroughGateway(port)).toEqual({ event: 'echo', data: 'text' });
    expect(await ping(port)).toBe('pong');
  });

  it('it lives beside a gateway of IoAdapter', async () => {
    const { port } = await startApp({
      ...metadata,
      providers: [PingService, SocketIoGateway],
      configure: (app) => app.useWebSocketAdapter(new IoAdapter(app)),
    });
    expect(await ping(port)).toBe('pong');
    const path = '/socket.io/?EIO=4&transport=websocket';
    expect(await upgradeStatus(port, path)).toBe('HTTP/1.1 101 Switching Protocols');
    expect(await ping(port)).toBe('pong');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('a port of its own', () => {
  it('serves an application context, which has no HTTP server', async () => {
    const port = await freePort();
    @Module({ imports: [StreamingModule.forRoot({ port })], providers: [PingService] })
    class WorkerModule {}
    const app = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    const { ping } = connectTo<{ ping: PingService }>(port);
    expect(await ping.ping()).toBe('pong');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(426);
    await app.close();
    expect(await failure(fetch(`http://127.0.0.1:${port}/`))).toBeInstanceOf(Error);
  });

  it('serves beside the HTTP server of the application', async () => {
    const own = await freePort();
    const { port } = await startApp({ options: { port: own }, providers: [PingService] });
    expect(await connectTo<{ ping: PingService }>(own).ping.ping()).toBe('pong');
    expect(await upgradeStatus(port, '/streaming')).toMatch('404');
  });

  it('that is taken fails the start with a sentence', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    afterTest(async () => void taken.close());
    const { port } = taken.address() as { port: number };
    const error = await failure(startApp({ options: { port }, providers: [PingService] }));
    expect(error.message).toBe(`StreamingModule: can't listen on the option port ${port}.`);
  });
});

it('without any server is no mistake', async () => {
  @Module({ imports: [StreamingModule], providers: [PingService] })
  class QuietModule {}
  const app = await NestFactory.createApplicationContext(QuietModule, { logger: false });
  await app.close();
});

function attach(...args: ConstructorParameters<typeof UpgradeInterceptor>): UpgradeInterceptor {
  const interceptor = new UpgradeInterceptor(...args);
  interceptor.attach();
  return interceptor;
}

describe('UpgradeInterceptor', () => {
  it('leaves no trace when it gives the upgrades back', () => {
    const server = new EventEmitter() as unknown as Server;
    const interceptor = attach(server, '/streaming', () => undefined);
    expect(Object.hasOwn(server, 'emit')).toBe(true);
    interceptor.release();
    expect(Object.hasOwn(server, 'emit')).toBe(false);
    expect(server.listenerCount('upgrade')).toBe(0);
  });

  it('restores an emit that somebody else had put there', () => {
    const server = new EventEmitter() as unknown as Server;
    const emit = () => true;
    server.emit = emit;
    attach(server, '/streaming', () => undefined).release();
    expect(server.emit).toBe(emit);
  });

  it('passes everything on when somebody wrapped it, and it was given back', () => {
    const server = new EventEmitter() as unknown as Server;
    const handled: string[] = [];
    const interceptor = attach(server, '/streaming', () => void handled.push('ours'));
    const ours = server.emit;
    const wrapped = ((...args: Parameters<Server['emit']>) =>
      ours.apply(server, args)) as Server['emit'];
    server.emit = wrapped;
    server.emit('upgrade', { url: '/streaming' } as never, {} as never, Buffer.alloc(0));
    interceptor.release();
    expect(server.emit).toBe(wrapped);
    server.on('upgrade', () => void handled.push('theirs'));
    server.emit('upgrade', { url: '/streaming' } as never, {} as never, Buffer.alloc(0));
    expect(handled).toEqual(['ours', 'theirs']);
  });

  it('takes its exact path only', () => {
    const server = new EventEmitter() as unknown as Server;
    const handled: unknown[] = [];
    attach(server, '/live', ({ url }) => void handled.push(url));
    server.on('upgrade', () => undefined);
    for (const url of ['/live', '/live?a=b', '/live/', '/Live', '/lively', '//live', '/'])
      server.emit('upgrade', { url } as never, {} as never, Buffer.alloc(0));
    expect(handled).toEqual(['/live', '/live?a=b']);
  });
});
