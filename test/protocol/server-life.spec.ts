import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../engine/engine.js';
import type { RawPeer } from './raw-peer.js';
import { CODECS, errorOf, seen, server, start, watchServer } from './served.js';

watchServer();

describe.each(CODECS)('Section 6, the life of a call in %s', (codec) => {
  let peer: RawPeer;

  beforeEach(async () => {
    await start();
    peer = await server.connect(codec);
  });

  it('ends an output that was cancelled: nothing of it follows, not even an end', async () => {
    peer.send([2, 1, 'test.forever', [], []]);
    await peer.until(([type]) => type === 4);
    peer.send([7, 1]);
    await until(() => seen.length === 1);
    await peer.settled();
    expect(await peer.settled()).toEqual([]);
    expect(seen).toEqual(['forever cancelled']);
  });

  it('takes a cancel in the same message as its open', async () => {
    peer.send(
      [2, 1, 'test.silent', [null], [0]],
      [7, 1],
      [2, 3, 'test.late', [], []],
      [7, 3],
      [2, 4, 'test.forever', [], []],
      [7, 4],
    );
    await until(() => seen.length >= 2 && server.engine.callCount === 1);
    expect(seen).toContain('silent cancelled');
    expect(seen).toContain('late cancelled');
    const frames = await peer.settled();
    expect(frames.filter(([type]) => type !== 3)).toEqual([]);
  });

  it('takes two cancels as one, and a cancel that crossed with the end as none', async () => {
    peer.send([2, 1, 'test.silent', [], []], [7, 1], [7, 1], [2, 2, 'test.value', [1], []]);
    await peer.output(2);
    peer.send([7, 2], [7, 1]);
    expect(await peer.settled()).toEqual([]);
    expect(seen).toEqual([[1], 'silent cancelled']);
  });

  it('takes two ends as one, and an error behind an end as none', async () => {
    peer.send([2, 1, 'test.careful', [null], [0]], peer.item(2, 'a'), [5, 2], [5, 2]);
    peer.send([6, 2, { code: 'internal', message: 'late' }], peer.item(2, 'late'));
    await peer.until(([type]) => type === 4);
    expect(await peer.settled()).toEqual([]);
  });

  it('delivers an error of an input behind the items before it', async () => {
    peer.send([2, 1, 'test.careful', [null], [0]], peer.item(2, 'before'));
    peer.send([6, 2, { code: 'not-found', message: 'Gone.', more: 1 }]);
    const frames = await peer.until((frame) => Array.isArray(frame.at(-1)));
    const given = frames.filter(([type]) => type === 4).flatMap((frame) => frame.slice(3));
    expect(given).toEqual(['before', ['not-found', 'Gone.']]);
  });

  it('takes an unknown error code as internal', async () => {
    peer.send([2, 1, 'test.careful', [null], [0]]);
    peer.send([6, 2, { code: 'connection-lost', message: 'Lie.' }]);
    const [, , , told] = (await peer.until(([type]) => type === 4)).at(-1) ?? [];
    expect(told).toEqual(['internal', 'Lie.']);
  });

  it('cancels an input that its handler left, ignores its late items, and goes on', async () => {
    peer.send([2, 1, 'test.first', [null, null], [0, 1]], peer.item(2, 'one', 'unread'));
    expect(await peer.until(([type]) => type === 7)).toContainEqual([7, 2]);
    peer.send(peer.item(2, 'late'), [5, 2], peer.item(3, 'goes on'), [5, 3]);
    expect(await peer.output(1)).toEqual({ items: ['goes on'], last: [5, 1] });
  });

  it('sends the items before an error, and not a word of what was thrown', async () => {
    peer.send([2, 1, 'test.fail', [2], []]);
    const { items, last } = await peer.output(1);
    expect(items).toEqual([0, 1]);
    expect(last).toEqual([6, 1, { code: 'internal', message: 'Told in general.', id: 'x' }]);
  });

  it("sends an error's data", async () => {
    peer.send([2, 1, 'test.refuse', [], []]);
    const error = { code: 'permission-denied', message: 'No.', data: { who: 'you' } };
    expect(await errorOf(peer, 1)).toEqual(error);
  });

  it('fails only the call whose value can not be sent', async () => {
    peer.send([2, 1, 'test.echo', [null], [0]], [2, 3, 'test.unsendable', [], []]);
    expect(await errorOf(peer, 3)).toMatchObject({ code: 'internal' });
    peer.send([5, 2]);
    expect((await peer.output(1)).last).toEqual([5, 1]);
  });

  it('drops the late value of a cancelled promise', async () => {
    peer.send([2, 1, 'test.late', [], []], [7, 1]);
    await until(() => seen.length === 1 && server.engine.callCount === 1);
    expect(await peer.settled()).toEqual([]);
  });
});
