import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RawPeer } from './raw-peer.js';
import {
  CODECS,
  closeCode,
  errorOf,
  JSON_NAME,
  MSGPACK_NAME,
  Point,
  seen,
  server,
  start,
  watchServer,
} from './served.js';

watchServer();

describe.each(CODECS)('Section 4, what a value may not be, in %s', (codec) => {
  const evil = [
    '{"__proto__": {"polluted": true}}',
    '{"a": [{"b": {"__proto__": {"polluted": true}}}]}',
    '{"constructor": {"prototype": {"polluted": true}}}',
    '[[[{"prototype": 1}]]]',
  ];
  let peer: RawPeer;

  beforeEach(async () => {
    await start();
    peer = await server.connect(codec);
    peer.send([2, 1, 'test.echo', [null], [0]]);
    await peer.next();
  });

  afterEach(async () => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    peer.send(peer.item(2, 'the sibling lives'));
    const frames = await peer.until(([type, stream]) => type === 4 && stream === 1);
    expect(frames.at(-1)?.[3]).toBe('the sibling lives');
  });

  it.each(evil)('refuses a call with the argument %s, and no other', async (text) => {
    peer.send([2, 3, 'test.value', ['fine', JSON.parse(text)], []]);
    const { code, message } = await errorOf(peer, 3);
    expect(code).toBe('invalid-argument');
    expect(message).toMatch(/__proto__|constructor|prototype/);
    expect(seen).toEqual([]);
  });

  it.each(evil)('fails the input with the item %s in its handler, and no other', async (text) => {
    peer.send([2, 3, 'test.careful', [null], [0]], peer.item(4, 'good'));
    peer.send(peer.item(4, 'before', JSON.parse(text), 'behind'));
    const frames = await peer.until((frame) => Array.isArray(frame.at(-1)) && frame[1] === 3);
    const given = frames.filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
    expect(given).toEqual([
      'good',
      'before',
      ['invalid-argument', expect.stringContaining('not allowed')],
    ]);
  });

  it('tells the client to stop an input whose item can not be read', async () => {
    peer.send([2, 3, 'test.careful', [null], [0]]);
    peer.send(peer.item(4, JSON.parse(evil[0] as string)), peer.item(4, 'late'));
    expect(await peer.until(([type]) => type === 7)).toContainEqual([7, 4]);
  });

  it('keeps a forbidden key out of an error', async () => {
    peer.send([2, 3, 'test.careful', [null], [0]]);
    const data = JSON.parse(evil[1] as string) as unknown;
    peer.send([6, 4, { code: 'internal', message: 'm', data }]);
    const [, , , told] = (await peer.until(([type]) => type === 4)).at(-1) ?? [];
    expect(told).toEqual(['internal', 'm']);
  });
});

describe('Section 4, types', () => {
  let peer: RawPeer;
  const point = { $: 1, v: { x: 1, y: 2 } };

  beforeEach(async () => {
    await start({ types: 4 });
    peer = await server.connect();
  });

  it('makes instances of the types that were announced', async () => {
    peer.send([9, [[1, 'Point']]], [2, 1, 'test.value', [point], []]);
    expect((await peer.output(1)).items).toEqual([{ $: expect.any(Number), v: [1, 2] }]);
    expect(seen).toEqual([[Object.assign(new Point(), { x: 1, y: 2 })]]);
    expect((seen[0] as unknown[])[0]).toBeInstanceOf(Point);
  });

  it('announces its own types before their first use, once', async () => {
    peer.send([9, [[3, 'Point']]], [2, 1, 'test.echo', [null], [0]]);
    peer.send(peer.item(2, { $: 3, v: { x: 1, y: 2 } }), peer.item(2, { $: 3, v: {} }), [5, 2]);
    const frames = await peer.until(([type]) => type === 5);
    expect(frames.filter(([type]) => type === 9)).toEqual([
      [9, [[expect.any(Number), 'Point', ['x', 'y']]]],
    ]);
    expect(frames.findIndex(([type]) => type === 9)).toBeLessThan(
      frames.findIndex(([type]) => type === 4),
    );
  });

  it('fails only what holds a value of a name it does not know', async () => {
    peer.send([9, [[1, 'Nobody']]], [2, 1, 'test.value', [[point]], []]);
    expect(await errorOf(peer, 1)).toEqual({
      code: 'invalid-argument',
      message: 'The type "Nobody" is not registered on this side.',
    });
    peer.send([2, 2, 'test.value', [1], []]);
    expect((await peer.output(2)).items).toEqual([1]);
  });

  it('takes the newest name of a number', async () => {
    peer.send([9, [[1, 'Point']]], [9, [[1, 'Nobody']]], [2, 1, 'test.value', [point], []]);
    expect(await errorOf(peer, 1)).toMatchObject({ code: 'invalid-argument' });
    peer.send([9, [[1, 'Point']]], [2, 2, 'test.value', [point], []]);
    expect((await peer.output(2)).last).toEqual([5, 2]);
  });

  it('closes on a value of a number that was not announced with 4400', async () => {
    expect(await closeCode('json', [2, 1, 'test.value', [point], []])).toBe(4400);
  });

  it.each<[string, unknown]>([
    ['too many of them', Array.from({ length: 5 }, (_, i) => [i, 'Point'])],
    ['a name that is too long', [[1, 'evil'.repeat(65)]]],
    ['a name that is no text', [[1, 1]]],
    ['a number that is none', [['evil', 'Point']]],
    ['no pairs', ['evil']],
    ['no list', { evil: 1 }],
    ['nothing', undefined],
  ])('closes on a types frame with 4400: %s', async (_, types) => {
    expect(await closeCode('json', [9, types])).toBe(4400);
  });

  it.each(['constructor', '__proto__', 'toString', 'Object', 'Function', ''])(
    'knows no type of the name "%s"',
    async (name) => {
      peer.send([9, [[1, name]]], [2, 1, 'test.value', [point], []]);
      expect(await errorOf(peer, 1)).toMatchObject({ code: 'invalid-argument' });
    },
  );
});

describe.each(CODECS)('Section 4, the other frames in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start();
    peer = await server.connect(codec);
  });

  it('answers a ping, before hello too', async () => {
    const fresh = await server.welcomed(codec);
    fresh.send([10]);
    expect(await fresh.next()).toEqual([11]);
  });

  it('shows newer credentials to what is opened behind them', async () => {
    const [connection] = [...server.engine.connections].slice(-1);
    peer.send([13, 'newer']);
    await peer.settled();
    expect(connection?.credentials).toBe('newer');
    peer.send([13, null]);
    await peer.settled();
    expect(connection?.credentials).toBeNull();
  });

  it('drains: refuses what is opened, lets calls go on, and closes with 1001', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]]);
    await peer.next();
    const closing = server.engine.close(300);
    expect(await peer.next()).toEqual([12]);
    peer.send([2, 3, 'test.value', [1], []], peer.item(2, 'still'), [5, 2]);
    expect(await errorOf(peer, 3)).toMatchObject({ code: 'unavailable' });
    expect(await peer.output(1)).toEqual({ items: ['still'], last: [5, 1] });
    server.servesOthers = async () => undefined;
    expect((await peer.closed).code).toBe(1001);
    await closing;
    expect(seen).toEqual([]);
  });

  it('answers who connects while it drains with HTTP 503', async () => {
    const closing = server.engine.close(50);
    const late = server.dial([codec === 'json' ? JSON_NAME : MSGPACK_NAME], codec);
    const status = await new Promise((resolve) => {
      late.socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
    });
    expect(status).toBe(503);
    server.servesOthers = async () => undefined;
    await closing;
  });
});
