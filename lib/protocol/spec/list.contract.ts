import { expect, it } from 'vitest';
import { FrameType } from '../frames.js';
import type { CodecName } from '../version.js';
import { ProtocolViolation } from '../violation.js';
import { CodecPair, type Received } from './codec-pair.js';
import { Line, Point, TestModels } from './test-models.js';

/** What every codec must do with a run that comes for a list of streams. */
export function listContract(codec: CodecName): void {
  it('gives each stream of the list a run of its own, in the order of the list', () => {
    const received = receive(codec, [9, 1, 4], [{ a: [1] }, Point.at(1, 2)]);
    expect(received.map(({ frame }) => frame[1])).toEqual([9, 1, 4]);
    for (const { frame, problem } of received) {
      expect(problem).toBe(undefined);
      expect(frame.slice(3)).toStrictEqual([{ a: [1] }, Point.at(1, 2)]);
    }
    expect(new Set(received.map(({ frame }) => frame[3])).size).toBe(3);
    expect(new Set(received.map(({ frame }) => frame[4])).size).toBe(3);
  });

  it('goes on behind it', () => {
    const both = new CodecPair({ codec });
    both.encoder.frame(listed(codec, [1, 2], [{ a: 1 }]));
    both.encoder.item(3, 'behind');
    expect(both.pass().map(({ frame }) => [frame[1], frame[3]])).toEqual([
      [1, { a: 1 }],
      [2, { a: 1 }],
      [3, 'behind'],
    ]);
  });

  it('gives each stream the items before one that could not be read', () => {
    const receiver = new TestModels().add(Line);
    const items = ['fine', Point.at(1, 2), 'behind', Point.at(3, 4), 'last'];
    const received = receive(codec, [1, 2], items, { receiver });
    const told = received.map(({ frame, problem }) => [frame[1], frame.slice(3), problem?.code]);
    expect(told).toEqual([
      [1, ['fine'], 'invalid-argument'],
      [2, ['fine'], 'invalid-argument'],
    ]);
  });

  it('tells each stream why its items could not be read', () => {
    const receiver = new TestModels().add(Line);
    const received = receive(codec, [1, 2], [Point.at(1, 2)], { receiver });
    expect(received.map(({ frame, problem }) => [frame[1], problem?.code])).toEqual([
      [1, 'invalid-argument'],
      [2, 'invalid-argument'],
    ]);
  });

  it.each([
    ['no streams', []],
    ['a stream twice', [1, 2, 1]],
    ['too many streams', Array.from({ length: 257 }, (_, i) => i + 1)],
  ])('closes on a list of %s', (_, streams) => {
    expect(() => receive(codec, streams, [1])).toThrow(ProtocolViolation);
  });

  it('closes on any list where the peer may send none', () => {
    expect(() => receive(codec, [1], [1], { mayList: false })).toThrow(ProtocolViolation);
  });

  it('takes long numbers of streams for no part of the items', () => {
    const streams = Array.from({ length: 100 }, (_, i) => 2 ** 53 - 1 - i);
    expect(receive(codec, streams, ['x'])).toHaveLength(100);
  });
}

type Options = Pick<ConstructorParameters<typeof CodecPair>[0], 'receiver' | 'mayList'>;

function receive(
  codec: CodecName,
  streams: readonly number[],
  items: readonly unknown[],
  options: Options = {},
): Received[] {
  const both = new CodecPair({ codec, ...options });
  both.encoder.frame(listed(codec, streams, items));
  return both.pass();
}

/** As a server may send it, whose own encoder would do otherwise. */
function listed(
  codec: CodecName,
  streams: readonly number[],
  items: readonly unknown[],
): readonly unknown[] {
  const { encoder } = new CodecPair({ codec });
  const size = items.reduce<number>((sum, item) => sum + encoder.item(1, item), 0);
  return [FrameType.item, streams, size, ...items];
}
