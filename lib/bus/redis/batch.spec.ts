import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../protocol/limits.js';
import { TestModels } from '../../protocol/spec/test-models.js';
import { BatchDecoder } from './batch-decoder.js';
import { BatchEncoder } from './batch-encoder.js';

class Point {
  x = 0;
}

class Secret {
  y = 0;
}

const models = new TestModels().add(Point).add(Secret);
const MAX_BYTES = 100_000;

function encode(messages: readonly unknown[], headerBytes = 0): Buffer {
  const encoder = new BatchEncoder(models, DEFAULT_LIMITS, MAX_BYTES, headerBytes);
  for (const message of messages) encoder.add(message);
  return encoder.take();
}

/** What comes out; what is bad as `!` and its problem. */
function decode(batch: Buffer, start = 0, registry = models): unknown[] {
  const found: unknown[] = [];
  const decoder = new BatchDecoder(registry, DEFAULT_LIMITS, MAX_BYTES);
  decoder.decode(batch, start, {
    message: (message) => void found.push(message),
    bad: (problem) => void found.push(`!${problem}`),
  });
  return found;
}

function point(x: number): Point {
  return Object.assign(new Point(), { x });
}

describe('A batch', () => {
  it('gives what was put into it, in order, behind its header', () => {
    const messages = ['a', 1n, { deep: [new Date(1)] }, undefined, new Uint8Array([1]), point(3)];
    const batch = encode(messages, 7);
    expect(batch.subarray(0, 7)).toEqual(Buffer.alloc(7));
    expect(decode(batch, 7)).toStrictEqual(messages);
    expect(decode(batch, 7)[5]).toBeInstanceOf(Point);
  });

  it('holds any number of anything', () => {
    const sendable = fc
      .jsonValue()
      .filter((value) => !/__proto__|constructor|prototype/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(fc.array(sendable), (messages) => {
        expect(decode(encode(messages))).toEqual(messages);
      }),
    );
  });

  it('loses a message of an unknown type alone', () => {
    const batch = encode([point(1), new Secret(), point(2)]);
    const few = new TestModels().add(Point);
    expect(decode(batch, 0, few)).toEqual([
      { x: 1 },
      '!The type "Secret" is not registered on this side.',
      { x: 2 },
    ]);
  });

  it('loses a message that was damaged alone', () => {
    const batch = encode(['first', 'second', 'third']);
    // The format that no MessagePack has, in the place of the second message's.
    batch[batch.indexOf('second') - 1] = 0xc1;
    expect(decode(batch)).toEqual(['first', expect.stringMatching(/^!/), 'third']);
  });

  it('takes nothing that is larger, or nests deeper, than is allowed here', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
    const generous = new BatchEncoder(models, { ...DEFAULT_LIMITS, depth: 100 }, 1_000_000);
    for (const message of [1, 'x'.repeat(MAX_BYTES + 1), 2, deep(80), 3]) generous.add(message);
    expect(decode(generous.take())).toEqual([
      1,
      '!a message too large',
      2,
      '!a message that nests too deep',
      3,
    ]);
  });

  it('adds nothing of a message that can not be encoded', () => {
    const encoder = new BatchEncoder(models, DEFAULT_LIMITS, 50);
    const bytes = encoder.add(1);
    for (const wrong of [() => {}, [1, Symbol('a')], 'x'.repeat(51)])
      expect(() => encoder.add(wrong)).toThrow(TypeError);
    expect([encoder.count, encoder.bytes]).toEqual([1, bytes]);
    encoder.add(2);
    expect(decode(encoder.take())).toEqual([1, 2]);
  });

  it('lets no getter of a message add another', () => {
    const encoder = new BatchEncoder(models, DEFAULT_LIMITS, 50);
    const message = {
      get other() {
        return encoder.add(1);
      },
    };
    expect(() => encoder.add(message)).toThrow(/must not publish another/);
  });

  it('is taken apart without harm, whatever it is', () => {
    const good = encode([point(1), 'text', { a: 1 }]);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
            const copy = Buffer.from(good);
            copy[at] = byte;
            return copy;
          }),
          fc.nat(good.length).map((length) => good.subarray(0, length)),
        ),
        (bytes) => {
          expect(() => decode(Buffer.from(bytes))).not.toThrow();
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
