import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameType } from '../frames.js';
import type { CodecName } from '../version.js';
import { CodecPair, type Received } from './codec-pair.js';
import { Line, Point, TestModels } from './test-models.js';

const STREAMS = 4;
const SHARED_ITEMS = 4;

type Step =
  | { readonly does: 'share' | 'change'; readonly stream: number; readonly item: number }
  | { readonly does: 'write' | 'end' | 'take'; readonly stream: number };

const stream = fc.integer({ min: 1, max: STREAMS });
const item = fc.nat(SHARED_ITEMS - 1);
const one = <Does>(does: Does) => fc.record({ does: fc.constant(does), stream, item });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: one('share' as const) },
  { weight: 1, arbitrary: one('change' as const) },
  { weight: 2, arbitrary: one('write' as const) },
  { weight: 1, arbitrary: one('end' as const) },
  { weight: 1, arbitrary: one('take' as const) },
);

/** Whatever is shared: each stream arrives as it was written. */
export function orderContract(codec: CodecName): void {
  it('keeps every stream in order and whole, however items and frames are mixed', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const { sent, arrived } = play(codec, steps);
        expect(arrived.streams).toEqual(sent.streams);
        expect(arrived.sizes).toEqual(sent.sizes);
      }),
      { numRuns: 1000 },
    );
  });
}

function play(codec: CodecName, steps: readonly Step[]): { sent: Transcript; arrived: Transcript } {
  const models = new TestModels(1).add(Point).add(Line);
  const both = new CodecPair({ codec, sender: models });
  const elsewhere = new CodecPair({ codec, sender: models });
  const shared = Array.from({ length: SHARED_ITEMS }, (_, i) =>
    models.share(i % 2 === 0 ? Point.at(i, 0) : { x: i, y: [0] }),
  );
  const sent = new Transcript();
  const arrived = new Transcript();
  for (const [i, step] of [...steps, { does: 'take' } as const].entries()) {
    if (step.does === 'take') arrived.takeAll(passIfAny(both));
    else if (step.does === 'change') Object.assign(shared[step.item] as object, { y: [i] });
    else if (step.does === 'end') {
      both.encoder.frame([FrameType.end, step.stream]);
      sent.note(step.stream, 'end', 0);
    } else {
      const item = step.does === 'share' ? shared[step.item] : [i];
      if (i % 3 === 0) elsewhere.encoder.item(1, item);
      sent.note(step.stream, item, both.encoder.item(step.stream, item));
    }
  }
  return { sent, arrived };
}

function passIfAny(both: CodecPair): Received[] {
  const message = both.encoder.take();
  return message === undefined ? [] : both.decode(message);
}

/** What happened to each stream, in order, and how much that was charged. */
class Transcript {
  readonly streams = new Map<number, unknown[]>();
  readonly sizes = new Map<number, number>();

  note(stream: number, what: unknown, size: number): void {
    const before = this.streams.get(stream) ?? [];
    this.streams.set(stream, [...before, structuredClone(what)]);
    this.sizes.set(stream, (this.sizes.get(stream) ?? 0) + size);
  }

  takeAll(received: readonly Received[]): void {
    for (const { frame, problem } of received) {
      if (problem !== undefined) throw problem;
      const [type, stream, size, ...items] = frame as [number, number, number, ...unknown[]];
      if (type === FrameType.end) this.note(stream, 'end', 0);
      for (const [i, item] of items.entries()) this.note(stream, item, i === 0 ? size : 0);
    }
  }
}
