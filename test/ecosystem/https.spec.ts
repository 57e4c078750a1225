import { Controller, Get, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { StreamController, StreamingMethod, StreamingModule } from '../../lib/index.js';
import { collect, connectTo, failure, listen, type Platform } from '../nest/app.js';
import { createCertificate } from './certificate.js';

const { key, cert } = createCertificate();

/** A client's WebSocket, in a process that trusts the certificate. */
class TrustingWebSocket extends WebSocket {
  constructor(url: string, subprotocols: string[]) {
    super(url, subprotocols, { ca: cert });
  }
}

@Controller()
class EchoController {
  @StreamingMethod()
  async *echo(items: AsyncIterable<string>) {
    for await (const item of items) yield item;
  }

  @Get('hello')
  hello(): string {
    return 'hello';
  }
}

async function start(platform: Platform) {
  const module = await Test.createTestingModule({
    imports: [StreamingModule],
    controllers: [EchoController],
  }).compile();
  return listen(createSecure(platform, module));
}

function createSecure(platform: Platform, module: TestingModule): INestApplication {
  if (platform === 'fastify') {
    return module.createNestApplication(new FastifyAdapter({ https: { key, cert } } as never));
  }
  return module.createNestApplication(new ExpressAdapter(), { httpsOptions: { key, cert } });
}

function connectSecurely(port: number) {
  const url = `wss://127.0.0.1:${port}/streaming`;
  return connectTo<{ echo: EchoController }>(port, { url }).echo;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each<Platform>(['express', 'fastify'])('HTTPS on %s', (platform) => {
  it('carries calls over wss', async () => {
    vi.stubGlobal('WebSocket', TrustingWebSocket);
    const { port } = await start(platform);
    const input = new StreamController<string>();
    const output = connectSecurely(port).echo(input);
    for (const item of ['a', 'b']) input.add(item);
    input.close();
    expect(await collect(output)).toEqual(['a', 'b']);
  });

  it('tells a client that does not trust the certificate why it can not connect', async () => {
    vi.stubGlobal('WebSocket', WebSocket);
    const { port } = await start(platform);
    const error = await failure(connectSecurely(port).echo(new StreamController()));
    expect(error).toMatchObject({ code: 'connect-failed' });
    expect(error.message).toMatch(/self.signed/i);
  });
});
