import { describe, expect, it } from 'vitest';
import { FrameType } from './frames.js';
import { itemsOf } from './spec/codec-pair.js';
import { msgpackPair, toHex } from './spec/msgpack-bytes.js';
import { Point } from './spec/test-models.js';

/** What the encoder makes of one value, without the frame around it. */
function bytesOf(value: unknown): string {
  const { encoder } = msgpackPair();
  encoder.frame([value]);
  return toHex(encoder.take() ?? '').slice(2);
}

const forms: [bytes: string, value: unknown][] = [
  ['c0', null],
  ['92 c2 c3', [false, true]],
  ['95 00 7f cc80 ccff cd0100', [0, 127, 128, 255, 256]],
  ['93 cdffff ce00010000 ceffffffff', [65_535, 65_536, 4_294_967_295]],
  ['cf 0000000100000000', 4_294_967_296],
  ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['95 ff e0 d0df d080 d1ff7f', [-1, -32, -33, -128, -129]],
  ['93 d18000 d2ffff7fff d280000000', [-32_768, -32_769, -2_147_483_648]],
  ['d3 ffffffff7fffffff', -2_147_483_649],
  ['d3 ffe0000000000001', Number.MIN_SAFE_INTEGER],
  ['92 cb3fe0000000000000 cb8000000000000000', [0.5, -0]],
  ['cb 4340000000000000', 2 ** 53],
  ['a2 c3a9', 'é'],
  [`d920 ${'78'.repeat(32)}`, 'x'.repeat(32)],
  [`d920 ${'c3a9'.repeat(16)}`, 'é'.repeat(16)],
  [`da0100 ${'78'.repeat(256)}`, 'x'.repeat(256)],
  ['c4 02 0102', Uint8Array.of(1, 2)],
  ['82 a161 01 a162 81 a163 c0', { a: 1, b: { c: null } }],
  ['c7 00 01', undefined],
  ['94 c7010200 c70102ff c702020080 c70202ff7f', [0n, -1n, 128n, -129n]],
  ['c7 03 03 92 01 02', new Map([[1, 2]])],
  ['c7 02 04 91 01', new Set([1])],
  ['d7 06 3ff0000000000000', new Date(1)],
  [`c8 0100 04 91 c4fd ${'00'.repeat(253)}`, new Set([new Uint8Array(253)])],
];

describe('MsgpackEncoder', () => {
  it.each(forms)('writes %s', (bytes, value) => {
    expect(bytesOf(value)).toBe(bytes.replaceAll(' ', ''));
  });

  it('announces the types of a message at its start', () => {
    const { encoder } = msgpackPair();
    encoder.frame([FrameType.ping]);
    encoder.item(3, Point.at(1, 2));
    const [types, ping] = ['92 09 91 93 01 a5506f696e74 92 a178 a179', '91 0a'];
    const item = 'dc0004 04 03 ce00000007 c7 04 05 01 92 01 02';
    expect(toHex(encoder.take() ?? '')).toBe(`${types}${ping}${item}`.replaceAll(' ', ''));
  });

  it('names the fields of an instance that has others than were announced', () => {
    const { encoder } = msgpackPair();
    encoder.item(1, Point.at(1, 2));
    encoder.take();
    const sizes = [Point.at(1, 2), Object.assign(Point.at(1, 2), { z: 3 })].map((it) =>
      encoder.item(1, it),
    );
    expect(sizes).toEqual([7, 14]);
  });

  it('reads the fields of an instance once, whatever shape it has', () => {
    const { encoder } = msgpackPair();
    encoder.item(1, Point.at(1, 2));
    let read = 0;
    const counted = { get: () => ++read, enumerable: true };
    const point = Object.defineProperties(new Point(), { a: counted, z: counted });
    encoder.item(1, [point]);
    expect(read).toBe(2);
  });

  it('returns the bytes of an item', () => {
    const { encoder } = msgpackPair();
    expect([encoder.item(1, 'é'), encoder.item(1, 'a'), encoder.item(9, 1)]).toEqual([3, 2, 1]);
  });

  it('refuses what a getter sends on the same connection, and stays whole', () => {
    const both = msgpackPair();
    const sender = {
      get a(): number {
        return both.encoder.item(2, 'from the getter');
      },
    };
    both.encoder.item(1, 'before');
    expect(() => both.encoder.item(1, sender)).toThrow(/getter/);
    expect(both.pass().map(({ frame }) => frame.slice(3))).toEqual([['before']]);
  });

  it('hands over nothing while a value is being written, and then the whole', () => {
    const both = msgpackPair();
    const closer = {
      get a(): unknown {
        return both.encoder.take() ?? 'nothing';
      },
    };
    for (const item of ['before', closer, 'after']) both.encoder.item(1, item);
    expect(itemsOf(both.pass())).toEqual([
      [1, 'before'],
      [1, { a: 'nothing' }],
      [1, 'after'],
    ]);
  });

  it('hands over no more memory than twice the message', () => {
    const { encoder } = msgpackPair();
    encoder.item(1, 'x'.repeat(100_000));
    encoder.take();
    encoder.item(1, 'small');
    expect((encoder.take() as Uint8Array).buffer.byteLength).toBeLessThanOrEqual(8192);
  });
});
