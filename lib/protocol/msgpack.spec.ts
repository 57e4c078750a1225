import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameType } from './frames.js';
import { describeCodec } from './spec/codec.contract.js';
import { CodecPair, itemsOf, type Received } from './spec/codec-pair.js';
import { Point } from './spec/test-models.js';
import { anyValue } from './spec/values.js';
import { ProtocolViolation } from './violation.js';

describeCodec('msgpack');

const pair = () => new CodecPair({ codec: 'msgpack' });

function hex(bytes: string | Uint8Array): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** The bytes of one value: those of a frame around it are cut off. */
function bytesOf(value: unknown): string {
  const both = pair();
  both.encoder.frame([value]);
  return hex(both.take()).slice(2);
}

/** What arrives of a frame `[4, 1, size, item]` with an item of these bytes. */
function receive(item: string, both = pair()): Received[] {
  const bytes = fromHex(item);
  const size = bytes.length.toString(16).padStart(8, '0');
  return both.decode(fromHex(`94 04 01 ce ${size} ${item}`));
}

describe('the bytes of a value', () => {
  it.each<[value: unknown, bytes: string]>([
    [null, 'c0'],
    [[false, true], '92c2c3'],
    [[0, 127, 128, 255, 256], '95007fcc80ccffcd0100'],
    [[65_535, 65_536, 4_294_967_295], '93cdffffce00010000ceffffffff'],
    [4_294_967_296, 'cf0000000100000000'],
    [Number.MAX_SAFE_INTEGER, 'cf001fffffffffffff'],
    [[-1, -32, -33, -128, -129], '95ffe0d0dfd080d1ff7f'],
    [[-32_768, -32_769, -2_147_483_648], '93d18000d2ffff7fffd280000000'],
    [-2_147_483_649, 'd3ffffffff7fffffff'],
    [Number.MIN_SAFE_INTEGER, 'd3ffe0000000000001'],
    [[0.5, -0], '92cb3fe0000000000000cb8000000000000000'],
    [2 ** 53, 'cb4340000000000000'],
    ['é', 'a2c3a9'],
    ['x'.repeat(32), `d920${'78'.repeat(32)}`],
    ['é'.repeat(16), `d920${'c3a9'.repeat(16)}`],
    ['x'.repeat(256), `da0100${'78'.repeat(256)}`],
    [Uint8Array.of(1, 2), 'c4020102'],
    [{ a: 1, b: { c: null } }, '82a16101a16281a163c0'],
    [undefined, 'c70001'],
    [[0n, -1n, 128n, -129n], '94c7010200c70102ffc702020080c70202ff7f'],
    [new Map([[1, 2]]), 'c70303920102'],
    [new Set([1]), 'c702049101'],
    [new Date(0.5), 'd7063fe0000000000000'],
    [Point.at(1, 2), 'c7080501 82a17801a17902'.replace(' ', '')],
  ])('are in the shortest form: %j', (value, bytes) => {
    const types = '9209 9192 01 a5506f696e74'.replaceAll(' ', '');
    expect(bytesOf(value).replace(types.slice(2), '')).toBe(bytes);
  });
});
