import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import {
  StreamingMethod,
  StreamingModule,
  type StreamingModuleOptions,
  type StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { afterTest, type Platform, startApp } from './app.js';

const SUBPROTOCOL = 'nestjs-streaming.v1.json';
const SECRETS = { cookie: 'session=1', authorization: 'Basic dTpw', 'x-other': 'kept' };

class HeaderService {
  @StreamingMethod()
  headers(@StreamSession() session: StreamingSession) {
    const { cookie = null, authorization = null, 'x-other': other = null } = session.headers;
    return { cookie, authorization, other };
  }
}

async function start(
  allowedOrigins: StreamingModuleOptions['allowedOrigins'],
  platform?: Platform,
): Promise<number> {
  return (await startLogged(allowedOrigins, platform)).port;
}

function startLogged(
  allowedOrigins: StreamingModuleOptions['allowedOrigins'],
  platform?: Platform,
) {
  return startApp({
    ...(platform === undefined ? {} : { platform }),
    providers: [HeaderService],
    options: { allowedOrigins },
  });
}

/** What a page of an origin sees of its upgrade: the status, or a connection. */
async function dial(port: number, origin: string | undefined, options: ClientOptions = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/streaming`, SUBPROTOCOL, {
    headers: { ...SECRETS, ...(origin === undefined ? {} : { origin }) },
    ...options,
  });
  const peer = new RawPeer(socket, 'json');
  afterTest(async () => socket.terminate());
  const status = new Promise<number>((resolve) => {
    socket.on('unexpected-response', (_: unknown, response: IncomingMessage) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('open', () => resolve(101));
  });
  return { peer, status: await status };
}

/** The headers that the application sees of a page of an origin. */
async function headersFor(port: number, origin: string | undefined): Promise<unknown> {
  const { peer, status } = await dial(port, origin);
  expect(status).toBe(101);
  peer.send([0, [10, 1000], null], [2, 1, 'header.headers', [], []]);
  const { items } = await peer.output(1);
  peer.socket.close();
  await once(peer.socket, 'close');
  return items[0];
}

const ALL = { cookie: 'session=1', authorization: 'Basic dTpw', other: 'kept' };
const WITHOUT = { cookie: null, authorization: null, other: 'kept' };

describe.each<Platform>(['express', 'fastify'])('Pages of allowed origins, on %s', (platform) => {
  it('connect with their cookies, and all others get 403', async () => {
    const port = await start(['https://app.example', /https:\/\/\w+\.partner\.example/], platform);
    expect(await headersFor(port, 'https://app.example')).toEqual(ALL);
    expect(await headersFor(port, 'https://a.partner.example')).toEqual(ALL);
    for (const origin of [
      'https://evil.example',
      'https://app.example.evil',
      'https://a.partner.example.evil',
      'http://app.example',
      'null',
      '',
    ]) {
      expect({ origin, status: (await dial(port, origin)).status }).toEqual({
        origin,
        status: 403,
      });
    }
  });

  it('are none without the option: the cookies of a foreign page are not seen', async () => {
    const port = await start(undefined, platform);
    expect(await headersFor(port, `http://127.0.0.1:${port}`)).toEqual(ALL);
    for (const origin of [
      'https://evil.example',
      'http://127.0.0.1',
      `http://127.0.0.1:${port + 1}`,
      `http://127.0.0.1:${port}@evil.example`,
      'null',
      '',
    ]) {
      expect({ origin, seen: await headersFor(port, origin) }).toEqual({ origin, seen: WITHOUT });
    }
  });
});

describe('The origins', () => {
  it('do not concern what is no browser', async () => {
    expect(await headersFor(await start(['https://app.example']), undefined)).toEqual(ALL);
    expect(await headersFor(await start(undefined), undefined)).toEqual(ALL);
  });

  it('are looked at before anything else of the request', async () => {
    const port = await start(['https://app.example']);
    const foreign = new WebSocket(`ws://127.0.0.1:${port}/streaming`, 'another-protocol', {
      origin: 'https://evil.example',
    });
    foreign.on('error', () => undefined);
    const [, response] = (await once(foreign, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(403);
    response.resume();
    foreign.terminate();
  });

  it('may be a function, which sees the request', async () => {
    const port = await start(
      (origin, { headers }) => origin === 'https://app.example' && headers['x-other'] === 'kept',
    );
    expect((await dial(port, 'https://app.example')).status).toBe(101);
    expect((await dial(port, 'https://evil.example')).status).toBe(403);
  });

  it('that are refused, or cost a page its cookies, stand in the log: in one line for many', async () => {
    const strict = await startLogged(['https://app.example']);
    for (let i = 0; i < 3; i++) await dial(strict.port, 'https://evil.example');
    const lines = strict.log.find('warn', 'evil.example');
    expect(lines).toEqual([
      expect.stringMatching(/"https:\/\/evil.example" may not connect, at \S*127.0.0.1: /),
    ]);
    const lenient = await startLogged(undefined);
    for (let i = 0; i < 3; i++) await headersFor(lenient.port, 'http://localhost:5173');
    expect(lenient.log.find('warn', 'localhost:5173')).toEqual([
      expect.stringContaining('without its cookies: name it in allowedOrigins if it is yours'),
    ]);
  });

  it.each([
    [['app.example'], 'must hold origins like'],
    ['https://app.example', 'must be a list of origins'],
  ])('are refused at the start when they are none: %j', (allowedOrigins, sentence) => {
    expect(() => StreamingModule.forRoot({ allowedOrigins } as never)).toThrow(
      `StreamingModule: the option allowedOrigins ${sentence}`,
    );
  });
});
