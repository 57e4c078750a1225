import { get } from 'node:http';
import { connect } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../engine/engine.js';
import {
  CODECS,
  closeCode,
  JSON_NAME,
  MSGPACK_NAME,
  seen,
  server,
  start,
  watchServer,
} from './served.js';

watchServer();

describe('Section 2, connecting', () => {
  beforeEach(() => start());

  it.each([
    [[JSON_NAME, MSGPACK_NAME], JSON_NAME],
    [[MSGPACK_NAME, JSON_NAME], MSGPACK_NAME],
    [['nestjs-streaming.v9.json', 'mqtt', JSON_NAME], JSON_NAME],
  ])('chooses of %j the first it speaks: %s', async (offered, chosen) => {
    const peer = server.dial(offered, chosen === JSON_NAME ? 'json' : 'msgpack');
    await peer.next();
    expect(peer.socket.protocol).toBe(chosen);
  });

  it('accepts a client of other versions only, and closes it with 4406', async () => {
    const peer = server.dial(['mqtt', 'nestjs-streaming.v2.json', 'nestjs-streaming.v3.json']);
    expect((await peer.closed).code).toBe(4406);
    expect(peer.socket.protocol).toBe('nestjs-streaming.v2.json');
    expect(peer.messages).toBe(0);
  });

  it.each([[[]], [['mqtt', 'graphql-ws']]])(
    'answers a client that offers %j with HTTP 400',
    async (offered) => {
      const peer = server.dial(offered);
      const status = await new Promise((resolve) => {
        peer.socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
      });
      expect(status).toBe(400);
    },
  );

  it('lets go of a refused socket whose client keeps it open', async () => {
    const before = await server.socketCount();
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(
      'GET /streaming HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await new Promise((resolve) => {
      socket.on('end', resolve);
      socket.resume();
    });
    await eventually(async () => (await server.socketCount()) === before);
    socket.destroy();
  });

  it('is not disturbed by an upgrade that is no WebSocket', async () => {
    const status = await new Promise((resolve) => {
      get(
        {
          port: server.port,
          host: '127.0.0.1',
          headers: {
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-protocol': JSON_NAME,
          },
        },
        ({ statusCode }) => resolve(statusCode),
      );
    });
    expect(status).toBe(400);
  });

  it.each(CODECS)('welcomes the client at once, in %s', async (codec) => {
    const peer = server.dial([codec === 'json' ? JSON_NAME : MSGPACK_NAME], codec);
    expect(await peer.next()).toEqual([1, expect.any(String), [4096, 262_144], 1_048_576]);
  });

  it('closes a client that opens a call before hello with 4408', async () => {
    const peer = await server.welcomed();
    peer.send([2, 1, 'test.value', [1], []]);
    expect((await peer.closed).code).toBe(4408);
    expect(seen).toEqual([]);
  });

  it('closes a client whose first frame is credentials with 4408', async () => {
    const peer = await server.welcomed();
    peer.send([13, 'token']);
    expect((await peer.closed).code).toBe(4408);
  });

  it('closes a client that says hello twice with 4400', async () => {
    expect(await closeCode('json', [0, [1, 1], null])).toBe(4400);
  });

  it('delivers what the client sent right before it closed', async () => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.value', ['last words'], []]);
    peer.socket.close(1000);
    expect((await peer.closed).code).toBe(1000);
    await until(() => seen.length === 1);
    expect(seen).toEqual([['last words']]);
  });

  it.each(['close', 'terminate'] as const)(
    'tells every handler that the connection is lost when the client does a %s',
    async (way) => {
      const peer = await server.connect();
      peer.send([2, 1, 'test.silent', [null], [0]], [2, 3, 'test.late', [], []]);
      await peer.next();
      peer.socket[way]();
      await until(() => seen.length === 2);
      expect(seen).toEqual(['silent connection-lost', 'late connection-lost']);
    },
  );
});

describe('Section 2, silence', () => {
  it('closes a client whose hello does not come in time with 4408', async () => {
    await start({ helloTimeoutMs: 40 });
    const peer = await server.welcomed();
    expect((await peer.closed).code).toBe(4408);
  });

  it('pings a silent client, and gives it up when no answer comes', async () => {
    await start({ pingIntervalMs: 150, pongTimeoutMs: 150 });
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [], []]);
    expect(await peer.until(([type]) => type === 10)).toHaveLength(2);
    expect((await peer.closed).code).toBe(1006);
    expect(server.closings).toEqual([4504]);
    await until(() => seen.length === 1);
    expect(seen).toEqual(['silent connection-lost']);
  });

  it('keeps a client that answers, and one whose other frames tell that it lives', async () => {
    await start({ pingIntervalMs: 50, pongTimeoutMs: 300 });
    const [answering, talking] = [await server.connect(), await server.connect()];
    answering.answersPings = true;
    talking.send([2, 1, 'test.silent', [], []]);
    for (let i = 0; i < 20; i++) {
      talking.send([8, 1, 0, 0]);
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    expect(server.closings).toEqual([]);
  });
});

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 2_000;
  while (!(await condition())) if (Date.now() > deadline) throw new Error('Never came.');
}
