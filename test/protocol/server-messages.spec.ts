import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../engine/engine.js';
import type { Frame } from './raw-peer.js';
import { CODECS, closeCode, seen, server, start, watchServer } from './served.js';

watchServer();

describe.each(CODECS)('Section 3, messages and frames in %s', (codec) => {
  beforeEach(() => start());

  it('takes the frames of a message in order', async () => {
    const peer = await server.connect(codec);
    peer.send(
      [2, 1, 'test.sum', [null], [0]],
      peer.item(2, 1, 2),
      peer.item(2, 3),
      [5, 2],
      [2, 3, 'test.value', [1], []],
    );
    const frames = await peer.until(([type, id]) => type === 5 && id === 1);
    expect(frames.filter(([, id]) => id === 1)).toEqual([[3, 1, 'value'], peer.item(1, 6), [5, 1]]);
    expect(frames).toContainEqual(peer.item(3, 1));
  });

  it('gathers what one turn makes into one message', async () => {
    const peer = await server.connect(codec);
    await peer.settled();
    const before = peer.messages;
    peer.send([2, 1, 'test.count', [3], []]);
    expect(await peer.until(([type]) => type === 5)).toEqual([
      [3, 1, 'stream'],
      peer.item(1, 0, 1, 2),
      [5, 1],
    ]);
    expect(peer.messages - before).toBe(1);
  });

  it('ignores elements beyond those of the page, whatever they are', async () => {
    const peer = await server.connect(codec);
    const evil = JSON.parse('{"__proto__": {"polluted": 1}}') as unknown;
    peer.send([2, 1, 'test.echo', [null], [0], 'more'], [8, 1, 5, 5, evil], [10, evil], [11, 1]);
    peer.send(peer.item(2, 'a'), [5, 2, evil]);
    expect(await peer.output(1)).toEqual({ items: ['a'], last: [5, 1] });
  });

  it.each<[string, Frame]>([
    ['of an unknown type', [14]],
    ['of a type that is no number', ['evil']],
    ['without a type', []],
    ['for the client: welcome', [1, 'evil', [1, 1], 1000]],
    ['for the client: opened', [3, 1, 'stream']],
    ['for the client: drain', [12]],
    ['open without a method', [2, 1, null, [], []]],
    ['open without arguments', [2, 1, 'test.value']],
    ['open without places', [2, 1, 'test.value', []]],
    ['open with an input beyond its arguments', [2, 1, 'test.echo', [null], [1]]],
    ['open with inputs that do not grow', [2, 1, 'test.merge', [null, null], [1, 0]]],
    ['open with an input twice', [2, 1, 'test.merge', [null, null], [0, 0]]],
    ['open with the number 0', [2, 0, 'test.value', [1], []]],
    ['open with a negative number', [2, -1, 'test.value', [1], []]],
    ['open with half a number', [2, 1.5, 'test.value', [1], []]],
    ['open with a number beyond 2^53', [2, 2 ** 53, 'test.value', [1], []]],
    ['open whose inputs go beyond 2^53', [2, 2 ** 53 - 1, 'test.echo', [null], [0]]],
    ['open with a text as its number', [2, '1', 'test.value', [1], []]],
    ['credit that is negative', [8, 1, -1, 1]],
    ['credit without bytes', [8, 1, 1]],
    ['an item frame without items', [4, 1, 0]],
    ['an item frame without a size', [4, 1, null, 1]],
    ['an item frame for a list that holds no number', [4, ['evil'], 1, 1]],
    ['an error without a body', [6, 1]],
    ['an error whose code is no text', [6, 1, { code: 1, message: 'evil' }]],
    ['credentials that are no text', [13, { evil: true }]],
  ])('closes on a frame with 4400: %s', async (_, frame) => {
    expect(await closeCode(codec, frame)).toBe(4400);
  });

  it.each<[string, Frame]>([
    ['with no items', [0, [0, 1], null]],
    ['with no bytes', [0, [1, 0], null]],
    ['with no credit', [0, null, null]],
    ['with credentials that are no text', [0, [1, 1], 7]],
  ])('closes on a hello %s with 4400', async (_, frame) => {
    const peer = await server.welcomed(codec);
    peer.send(frame);
    expect((await peer.closed).code).toBe(4400);
  });

  it('does nothing of what stands behind a violation', async () => {
    const open = (id: number): Frame => [2, id, 'test.value', [id], []];
    expect(await closeCode(codec, open(1), [14], open(2))).toBe(4400);
    expect(seen).toEqual([[1]]);
  });
});

describe('Section 3, messages that are none', () => {
  beforeEach(() => start());

  it.each([
    ['garbage', 'evil {'],
    ['nothing', ''],
    ['an object', '{"0":[10]}'],
    ['a list of no frames', '[10]'],
    ['half a message', '[[10]'],
    ['two messages', '[[10]][[10]]'],
    ['a word of another language', '[[10,NaN]]'],
  ])('closes on JSON text that is %s with 4400', async (_, text) => {
    const peer = await server.connect();
    peer.raw(text);
    expect((await peer.closed).code).toBe(4400);
  });

  it.each([
    ['garbage', 'c1'],
    ['no frame', '0a'],
    ['a frame cut short', '94 04 02 01'],
    ['a frame that tells more elements than it has', 'dd ff ff ff ff'],
    ['a text that is not UTF-8', '92 0d a2 c3 28'],
    ['a text that tells more than it has', '92 0d db ff ff ff ff 00'],
  ])('closes on MessagePack that is %s with 4400', async (_, hex) => {
    const peer = await server.connect('msgpack');
    peer.raw(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    expect((await peer.closed).code).toBe(4400);
  });

  it('closes on a binary message where JSON was agreed on, and the other way, with 4400', async () => {
    const [json, msgpack] = [await server.connect('json'), await server.connect('msgpack')];
    json.raw(Buffer.from('[[10]]'));
    msgpack.raw('[[10]]');
    expect([(await json.closed).code, (await msgpack.closed).code]).toEqual([4400, 4400]);
  });

  it('closes on a text message that is not UTF-8 with 1007', async () => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [], []]);
    await peer.next();
    peer.socket.send(Buffer.from([0x5b, 0xff, 0x5d]), { binary: false });
    expect((await peer.closed).code).toBe(1007);
    await until(() => seen.length === 1);
  });

  it('closes on a message larger than it takes with 1009', async () => {
    await server.stop();
    await start({ messageBytes: 1000 });
    const peer = await server.connect();
    peer.send([2, 1, 'test.value', ['x'.repeat(900)], []], [2, 2, 'test.silent', [], []]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
    peer.raw(`[[10]${' '.repeat(1000)}]`);
    expect((await peer.closed).code).toBe(1009);
    await until(() => seen.includes('silent connection-lost'));
  });

  it('ends the calls at once when it closes on a message, though the client lingers', async () => {
    const peer = await server.connect();
    peer.send([2, 1, 'test.silent', [], []]);
    await peer.next();
    peer.socket.pause();
    peer.raw('x'.repeat(2_000_000));
    await until(() => seen.length === 1);
    expect(seen).toEqual(['silent connection-lost']);
  });
});
