import {
  BadRequestException,
  Controller,
  HttpException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Serializable, StreamError, StreamingMethod } from '../../lib/index.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import { Ext, pack } from '../protocol/msgpack.js';
import { RawPeer } from '../protocol/raw-peer.js';
import { RawServer } from '../protocol/raw-server.js';
import { afterTest, collect, connectTo, failure, startApp } from './app.js';

const CODECS: CodecName[] = ['json', 'msgpack'];

@Serializable('CasesErrorsPoint')
class Point {
  x = 0;
  extra?: unknown;
}

const THROWN: Readonly<Record<string, () => unknown>> = {
  'http text': () => new HttpException('Public.', 418),
  'http object': () => new HttpException({ message: 'Public.', field: 'x' }, 418),
  'http without a message': () => new UnprocessableEntityException({ field: 'x' }),
  'http with a cause': () =>
    new BadRequestException('Public.', { cause: new Error('secret'), description: 'Described.' }),
  'ws text': () => new WsException('Public.'),
  'ws object': () => new WsException({ message: 'Public.' }),
  'ws with a code': () => new WsException({ code: 'unavailable', message: 'Public.' }),
  'ws with an odd code': () => new WsException({ code: 'E_ODD', message: 'Public.' }),
  'ws with a status': () => new WsException({ status: 403, message: 'Public.' }),
  'ws with more': () => new WsException({ message: 'Public.', field: 'x' }),
  'ws without a message': () => new WsException({ field: 'x' }),
  'ws of the server': () => new WsException({ status: 503, message: 'Public.' }),
};

@Controller()
class CasesErrorsController {
  @StreamingMethod()
  http(status: number) {
    throw new HttpException('Public.', status);
  }

  @StreamingMethod()
  throws(what: string) {
    throw THROWN[what]?.();
  }

  @StreamingMethod()
  async *echo(input: AsyncIterable<unknown>) {
    yield* input;
  }

  @StreamingMethod()
  async caught(input: AsyncIterable<unknown>) {
    try {
      for await (const _ of input);
    } catch (error) {
      const { code, message, data } = error as StreamError;
      return [code, message, data === undefined ? 'no data' : 'data'];
    }
    return [];
  }

  @StreamingMethod()
  value(value: unknown) {
    return value;
  }
}

async function start(codec: CodecName = 'json') {
  const running = await startApp({ controllers: [CasesErrorsController] });
  const client = running.connect<{ casesErrors: CasesErrorsController }>({
    codec,
    models: [Point],
  });
  return { ...running, casesErrors: client.casesErrors };
}

/** The code of each status that has one of its own. */
const CODES = new Map([
  [401, 'unauthenticated'],
  [403, 'permission-denied'],
  [404, 'not-found'],
  [408, 'deadline-exceeded'],
  [410, 'not-found'],
  [429, 'resource-exhausted'],
]);

describe('An HttpException', () => {
  it('keeps its message under the code that fits, whatever its status', async () => {
    const { casesErrors } = await start();
    for (let status = 400; status < 600; status++) {
      const error = await failure(casesErrors.http(status) as never);
      const code = CODES.get(status) ?? (status < 500 ? 'invalid-argument' : 'internal');
      expect(error).toMatchObject({ code, message: 'Public.' });
      expect(typeof error.id).toBe(status < 500 ? 'undefined' : 'string');
    }
  });
});

describe.each(CODECS)('An exception of Nest over %s', (codec) => {
  it.each<[string, object]>([
    ['http text', { code: 'invalid-argument', message: 'Public.', data: undefined }],
    ['http object', { code: 'invalid-argument', message: 'Public.', data: { field: 'x' } }],
    ['http without a message', { code: 'invalid-argument', data: { field: 'x' } }],
    ['http with a cause', { code: 'invalid-argument', message: 'Public.', data: undefined }],
    ['ws text', { code: 'invalid-argument', message: 'Public.', data: undefined }],
    ['ws object', { code: 'invalid-argument', message: 'Public.', data: undefined }],
    ['ws with a code', { code: 'unavailable', message: 'Public.', data: undefined }],
    ['ws with an odd code', { code: 'invalid-argument', message: 'Public.' }],
    ['ws with a status', { code: 'permission-denied', message: 'Public.', data: undefined }],
    ['ws with more', { code: 'invalid-argument', message: 'Public.', data: { field: 'x' } }],
    ['ws without a message', { code: 'invalid-argument', data: { field: 'x' } }],
    ['ws of the server', { code: 'internal', message: 'Public.', id: expect.any(String) }],
  ])('is told with what it says in public, and not its cause: %s', async (what, told) => {
    const { casesErrors } = await start(codec);
    const error = await failure(casesErrors.throws(what) as never);
    expect(error).toMatchObject(told);
    expect(error).toBeInstanceOf(StreamError);
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain('secret');
  });
});

const EVIL = [
  '{"__proto__": {"polluted": true}}',
  '{"a": [{"b": {"constructor": {"prototype": {"polluted": true}}}}]}',
  '[[[{"prototype": {"polluted": true}}]]]',
].map((text) => [text] as const);

function expectNoTrace(): void {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

describe.each(CODECS)('A key that reaches a prototype, from a client over %s', (codec) => {
  async function attack() {
    const { port } = await start(codec);
    const url = `ws://127.0.0.1:${port}/streaming`;
    const peer = new RawPeer(new WebSocket(url, SUBPROTOCOLS[codec]), codec);
    afterTest(async () => peer.socket.terminate());
    await peer.next();
    peer.send([0, [100, 100_000], null], [9, [[1, 'CasesErrorsPoint']]]);
    return peer;
  }

  it.each(EVIL)('refuses the argument, the item and the data of an error: %s', async (text) => {
    const peer = await attack();
    const evil = JSON.parse(text) as unknown;
    peer.send([2, 1, 'casesErrors.value', [['deep', evil]], []]);
    expect((await peer.output(1)).last[2]).toMatchObject({ code: 'invalid-argument' });
    peer.send([2, 2, 'casesErrors.caught', [null], [0]], peer.item(3, 'good', { deep: evil }));
    expect((await peer.output(2)).items).toEqual([
      ['invalid-argument', expect.stringContaining('not allowed'), 'no data'],
    ]);
    peer.send([2, 4, 'casesErrors.caught', [null], [0]]);
    peer.send([6, 5, { code: 'not-found', message: 'm', data: [evil] }]);
    expect((await peer.output(4)).items).toEqual([['not-found', 'm', 'no data']]);
    expectNoTrace();
  });

  it('refuses the fields of a model', async () => {
    const peer = await attack();
    const fields = JSON.parse(EVIL[0]?.[0] ?? '') as unknown;
    const point = (own: unknown) =>
      codec === 'json' ? { $: 1, v: own } : new Ext(5, Buffer.concat([pack(1), pack(own)]));
    peer.send([2, 1, 'casesErrors.value', [point(fields)], []]);
    expect((await peer.output(1)).last[2]).toMatchObject({ code: 'invalid-argument' });
    peer.send([2, 2, 'casesErrors.value', [point({ extra: fields })], []]);
    expect((await peer.output(2)).last[2]).toMatchObject({ code: 'invalid-argument' });
    expectNoTrace();
  });
});

describe.each(CODECS)('A key that reaches a prototype, from a server over %s', (codec) => {
  it.each(EVIL)('fails the call of the item, and is kept out of an error: %s', async (text) => {
    const server = await RawServer.start();
    afterTest(() => server.stop());
    const port = Number(new URL(server.url).port);
    const { casesErrors } = connectTo<{ casesErrors: CasesErrorsController }>(port, { codec });
    const evil = JSON.parse(text) as unknown;
    const item = collect(casesErrors.echo(list()));
    const error = failure(casesErrors.value(1) as never);
    const sibling = collect(casesErrors.echo(list()));
    const peer = await server.welcome();
    peer.send([3, 1, 'stream'], peer.item(1, [evil]));
    peer.send([6, 3, { code: 'not-found', message: 'None.', data: { deep: evil } }]);
    peer.send([3, 4, 'stream'], peer.item(4, 'alive'), [5, 4]);
    expect(await failure(item)).toMatchObject({ code: 'invalid-argument' });
    expect(await error).toMatchObject({ code: 'not-found', message: 'None.', data: undefined });
    expect(await sibling).toEqual(['alive']);
    expectNoTrace();
  });
});

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
