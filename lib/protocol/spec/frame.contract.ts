import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FIRST_ITEM, type Frame, FrameType } from '../frames.js';
import { type CodecPair, itemsOf, type Message } from './codec-pair.js';
import { anyValue } from './values.js';

const frames: readonly Frame[] = [
  [FrameType.hello, [4096, 262_144], null],
  [FrameType.welcome, 'c-1', [4096, 262_144]],
  [FrameType.open, 7, 'example.echo', ['a', undefined, new Date(5)], [1]],
  [FrameType.opened, 7, 'stream'],
  [FrameType.end, 8],
  [FrameType.error, 7, { code: 'internal', message: 'It failed', id: 'e1' }],
  [FrameType.cancel, 300],
  [FrameType.credit, 70_000, 2048, 100_000],
  [FrameType.ping],
  [FrameType.pong],
  [FrameType.drain],
  [FrameType.credentials, 'token'],
];

/** A step of a sender: an item of a stream, another frame, or sending what was gathered. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 1, max: 3 }), anyValue) },
  fc.constantFrom(...frames),
  fc.constant('take' as const),
);

/** How every codec gathers frames into messages. */
export function frameContract(pair: () => CodecPair): void {
  it('gathers nothing at first, and nothing after it was taken', () => {
    const { encoder } = pair();
    expect([encoder.take(), encoder.size]).toEqual([undefined, 0]);
    encoder.item(1, 'a');
    expect(encoder.size).toBeGreaterThan(0);
    encoder.take();
    expect([encoder.take(), encoder.size]).toEqual([undefined, 0]);
  });

  it('carries every frame in order', () => {
    const both = pair();
    for (const frame of frames) both.encoder.frame(frame);
    expect(both.pass()).toEqual(frames.map((frame) => ({ frame, problem: undefined })));
  });

  it('gathers the items of a stream in one run that tells their size', () => {
    const both = pair();
    const items = ['a', { b: 'é' }, 3, null];
    const size = items.reduce((sum: number, item) => sum + both.encoder.item(5, item), 0);
    expect(both.pass()).toEqual([
      { frame: [FrameType.item, 5, size, ...items], problem: undefined },
    ]);
  });

  it('begins a new run for another stream, after another frame, and in another message', () => {
    const both = pair();
    both.encoder.item(1, 'a');
    both.encoder.item(2, 'b');
    both.encoder.item(1, 'c');
    both.encoder.frame([FrameType.ping]);
    both.encoder.item(1, 'd');
    const first = both.pass().map(({ frame }) => [frame[0], ...frame.slice(FIRST_ITEM)]);
    both.encoder.item(1, 'e');
    expect(first).toEqual([[4, 'a'], [4, 'b'], [4, 'c'], [FrameType.ping], [4, 'd']]);
    expect(itemsOf(both.pass())).toEqual([[1, 'e']]);
  });

  it('carries more items in a message than a run holds', () => {
    const both = pair();
    for (let i = 0; i < 140_000; i++) both.encoder.item(1, i);
    expect(itemsOf(both.pass()).map(([, item]) => item)).toEqual(
      Array.from({ length: 140_000 }, (_, i) => i),
    );
  });

  it('sends an item as it was when it was added', () => {
    const both = pair();
    const item = { list: [1], bytes: Uint8Array.of(1) };
    both.encoder.item(1, item);
    item.list.push(2);
    item.bytes[0] = 2;
    expect(itemsOf(both.pass())).toEqual([[1, { list: [1], bytes: Uint8Array.of(1) }]]);
  });

  it('keeps the order of everything, in messages that stay as they were when taken', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => keepsOrder(pair(), steps)));
  });
}

type Step = 'take' | Frame | [stream: number, item: unknown];

/** Messages are read after the last was made: one must not write into another. */
function keepsOrder(both: CodecPair, steps: readonly Step[]): void {
  const messages: (Message | undefined)[] = [];
  const sent: unknown[] = [];
  for (const each of steps) {
    if (each === 'take') messages.push(both.encoder.take());
    else if (frames.includes(each)) both.encoder.frame(each);
    else both.encoder.item(each[0], each[1]);
    if (each !== 'take') sent.push(each);
  }
  messages.push(both.encoder.take());
  const received = messages
    .filter((message) => message !== undefined)
    .flatMap((m) => both.decode(m));
  expect(received.flatMap(({ frame }) => flat(frame))).toStrictEqual(sent);
}

function flat(frame: unknown[]): unknown[] {
  if (frame[0] !== FrameType.item) return [frame];
  return frame.slice(FIRST_ITEM).map((item) => [frame[1], item]);
}
