import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../engine/engine.js';
import type { Frame, RawPeer } from './raw-peer.js';
import { CODECS, closeCode, seen, server, start, watchServer } from './served.js';

watchServer();

describe.each(CODECS)('Section 4, items and credit in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start({ windowItems: 8, windowBytes: 1000 });
    peer = await server.connect(codec, [0, [4, 1000], null]);
  });

  it('closes with 4400 on a run for a list of streams, which only servers send', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [2, 3, 'test.echo', [null], [0]]);
    peer.send(peer.item([2, 4], 'both'));
    expect((await peer.closed).code).toBe(4400);
    await server.servesOthers();
  });

  it('sends no more items than the client allows, and goes on when it allows more', async () => {
    peer.send([2, 1, 'test.count', [100], []]);
    expect((await peer.settled()).flatMap((frame) => frame.slice(3))).toEqual([0, 1, 2, 3]);
    peer.send([8, 1, 2, 0]);
    expect((await peer.settled()).flatMap((frame) => frame.slice(3))).toEqual([4, 5]);
    peer.send([8, 1, 0, 1000]);
    expect(await peer.settled()).toEqual([]);
  });

  it('sends one item more than the bytes that the client allows, whatever its size', async () => {
    peer = await server.connect(codec, [0, [100, 1], null]);
    peer.send([2, 1, 'test.echo', [null], [0]], peer.item(2, 'x'.repeat(500), 'y', 'z'));
    await peer.until(([type]) => type === 4);
    expect(await items(peer)).toEqual([]);
    peer.send([8, 1, 0, 400]);
    expect(await items(peer)).toEqual([]);
    peer.send([8, 1, 0, 110]);
    expect(await items(peer)).not.toEqual([]);
  });

  it('takes credit that adds up beyond 2^53', async () => {
    const most = 2 ** 53 - 1;
    peer.send([2, 1, 'test.count', [20], []]);
    for (let i = 0; i < 20; i++) peer.send([8, 1, most, most]);
    expect((await peer.output(1)).items).toHaveLength(20);
  });

  it('gives credit back for what its handler took, in batches', async () => {
    peer.send([2, 1, 'test.sum', [null], [0]], peer.item(2, 1, 2, 3));
    expect(await peer.settled()).toEqual([]);
    peer.send(peer.item(2, 4));
    const four = [1, 2, 3, 4].reduce((sum, n) => sum + (peer.item(2, n)[2] as number), 0);
    expect(await peer.next()).toEqual([8, 2, 4, four]);
    peer.send([5, 2]);
    expect((await peer.output(1)).items).toEqual([10]);
  });

  it('takes all that it granted', async () => {
    peer.send([2, 1, 'test.silent', [null], [0]], peer.item(2, 1, 2, 3, 4, 5, 6, 7, 8));
    expect(await peer.settled()).toEqual([[3, 1, 'stream']]);
    peer.send([2, 3, 'test.silent', [null], [0]]);
    peer.send(peer.item(4, 'x'.repeat(900)), peer.item(4, 'x'.repeat(5000)));
    expect(await peer.settled()).toEqual([[3, 3, 'stream']]);
  });

  it.each<[string, unknown[][]]>([
    ['items in one run', [[1, 2, 3, 4, 5, 6, 7, 8, 9]]],
    ['items in several', [[1, 2, 3, 4, 5], [6, 7, 8], [9]]],
    ['bytes', [['x'.repeat(2000)], ['y']]],
  ])('closes on more %s than were granted with 4413', async (_, runs) => {
    peer.send([2, 1, 'test.silent', [null], [0]], ...runs.map((run) => peer.item(2, ...run)));
    expect((await peer.closed).code).toBe(4413);
    await until(() => seen.length === 1);
  });

  it.each([
    ['nothing', 0],
    ['too little', 40],
    ['too much', 1_000_000],
  ])('closes on a run that tells %s of its size with 4400', async (_, size) => {
    const item = Array.from({ length: 300 }, () => ({ lie: 'about the size' }));
    const frames: Frame[] = [
      [2, 1, 'test.silent', [null], [0]],
      [4, 2, size, item],
    ];
    expect(await closeCode(codec, ...frames)).toBe(4400);
  });

  it('ignores items, ends, errors and cancels of calls and inputs that are over', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [5, 2]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
    const late: Frame[] = [
      peer.item(2, 'late'),
      [5, 2],
      [6, 2, { code: 'internal', message: 'late' }],
      [7, 1],
      [7, 1],
      [8, 1, 1, 1],
    ];
    peer.send(...late, ...late);
    expect(await peer.settled()).toEqual([]);
  });

  it.each<[string, Frame]>([
    ['items', [4, 3, 1, 1]],
    ['items for a list', [4, [2, 3], 1, 1]],
    ['an end', [5, 3]],
    ['an error', [6, 3, { code: 'internal', message: '' }]],
    ['a cancel', [7, 3]],
    ['credit', [8, 3, 1, 1]],
  ])('closes on %s for a number that no call has taken with 4400', async (_, frame) => {
    expect(await closeCode(codec, [2, 1, 'test.echo', [null], [0]], frame)).toBe(4400);
  });
});

/** The items that came, up to the answer to a ping. */
async function items(peer: RawPeer): Promise<unknown[]> {
  const frames = await peer.settled();
  return frames.filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
}
