import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../engine/engine.js';
import type { Frame, RawPeer } from './raw-peer.js';
import { CODECS, closeCode, errorOf, seen, server, start, watchServer } from './served.js';

watchServer();

describe.each(CODECS)('Section 4, open and opened in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start({ callsPerConnection: 3, inputsPerCall: 2 });
    peer = await server.connect(codec);
  });

  it('answers a stream and a value with their kinds', async () => {
    peer.send(
      [2, 1, 'test.count', [1], []],
      [2, 2, 'test.value', [null], []],
      [2, 3, 'test.nothing', [], []],
    );
    const frames: Frame[] = [];
    for (let i = 0; i < 8; i++) frames.push(await peer.next());
    const of = (id: number) => frames.filter(([, stream]) => stream === id);
    expect(of(1)).toEqual([[3, 1, 'stream'], peer.item(1, 0), [5, 1]]);
    expect(of(2)).toEqual([[3, 2, 'value'], peer.item(2, null), [5, 2]]);
    expect(of(3)).toEqual([
      [3, 3, 'value'],
      [5, 3],
    ]);
  });

  it('puts inputs in their places among the arguments', async () => {
    peer.send([2, 7, 'test.first', [null, null, 'unused'], [0, 1]]);
    peer.send(peer.item(9, 'two'), peer.item(8, 'one'), [5, 9]);
    expect(await peer.output(7)).toEqual({ items: ['one', 'two'], last: [5, 7] });
  });

  it('takes numbers that leave gaps, up to the highest there is', async () => {
    const highest = 2 ** 53 - 1;
    peer.send([2, 5, 'test.value', [1], []], [2, 1_000_000, 'test.value', [2], []]);
    await peer.output(1_000_000);
    peer.send([2, highest, 'test.value', [3], []]);
    expect((await peer.output(highest)).items).toEqual([3]);
  });

  it.each([
    ['the same', 5],
    ['a smaller one', 4],
    ["an input's", 6],
  ])('closes on a number used again with 4409: %s', async (_, id) => {
    const opens: Frame[] = [
      [2, 5, 'test.echo', [null], [0]],
      [2, id, 'test.value', [1], []],
    ];
    expect(await closeCode(codec, ...opens)).toBe(4409);
  });

  it('closes on a number that was used for a refused call with 4409', async () => {
    const opens: Frame[] = [
      [2, 5, 'no.such', [null], [0]],
      [2, 6, 'test.value', [1], []],
    ];
    expect(await closeCode(codec, ...opens)).toBe(4409);
  });

  it.each([
    'test.unknown',
    'other.echo',
    'echo',
    'constructor',
    'test.constructor',
    '__proto__',
    'test.__proto__',
    'toString',
    'test.toString',
    'hasOwnProperty',
    'size',
    '',
    'test.echo ',
    'x'.repeat(10_000),
  ])('refuses the method "%s" as not found', async (method) => {
    peer.send([2, 1, method, [], []]);
    const error = await errorOf(peer, 1);
    expect(error).toEqual({
      code: 'not-found',
      message: `There is no streaming method "${method.slice(0, 100)}".`,
    });
  });

  it('ignores what was sent behind an open that it refused', async () => {
    peer.send([2, 1, 'test.unknown', [null], [0]], peer.item(2, 'x'), [5, 2], [8, 1, 1, 1], [7, 1]);
    expect(await errorOf(peer, 1)).toMatchObject({ code: 'not-found' });
    expect(await peer.settled()).toEqual([]);
  });

  it('refuses one call too many as exhausted; its siblings live, and a place comes free', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [2, 3, 'test.silent', [], []]);
    peer.send([2, 4, 'test.late', [], []], [2, 5, 'test.value', ['not run'], []]);
    expect(await errorOf(peer, 5)).toMatchObject({ code: 'resource-exhausted' });
    peer.send(peer.item(2, 'alive'), [5, 2]);
    expect(await peer.output(1)).toEqual({ items: ['alive'], last: [5, 1] });
    peer.send([2, 6, 'test.value', ['run'], []]);
    expect((await peer.output(6)).items).toEqual(['run']);
    expect(seen).toEqual([['run']]);
  });

  it('counts a cancelled call until its handler has settled', async () => {
    await server.stop();
    let release = (): void => undefined;
    const stuck = () =>
      new Promise<void>((resolve) => {
        release = resolve;
      });
    await start({ callsPerConnection: 1 }, { stuck });
    peer = await server.connect(codec);
    peer.send([2, 1, 'test.stuck', [], []], [7, 1], [2, 2, 'test.value', [1], []]);
    expect(await errorOf(peer, 2)).toMatchObject({ code: 'resource-exhausted' });
    release();
    await until(() => server.engine.callCount === 1);
    peer.send([2, 3, 'test.value', [1], []]);
    expect((await peer.output(3)).items).toEqual([1]);
  });

  it('refuses a call with too many inputs as exhausted; its siblings live', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]]);
    peer.send([2, 3, 'test.first', [null, null, null], [0, 1, 2]]);
    expect(await errorOf(peer, 3)).toMatchObject({ code: 'resource-exhausted' });
    peer.send([5, 2]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
  });
});
