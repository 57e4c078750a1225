import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameType } from './frames.js';
import { CodecPair, itemsOf } from './spec/codec-pair.js';
import { fromHex, itemMessage, msgpackPair, receiveItem } from './spec/msgpack-bytes.js';
import { Line, Point, TestModels } from './spec/test-models.js';
import { anyValue } from './spec/values.js';
import { ProtocolViolation } from './violation.js';

const POINT_BY_PLACES = '92 09 91 93 01 a5506f696e74 92 a178 a179';

const malformed: [what: string, message: string][] = [
  ['a frame that is not an array', '01'],
  ['a frame that is a map', '81 01 01'],
  ['a byte that begins no value', '91 c1'],
  ['garbage after the last frame', '91 0a 00'],
  ['a frame cut short', '93 07 01'],
  ['a text cut short', '91 a5 6162'],
  ['a text longer than the message', '91 db ffffffff 61'],
  ['a text that is not UTF-8', '91 a2 c328'],
  ['a long text that is not UTF-8', `91 d9 30 ${'61'.repeat(47)} ff`],
  ['bytes longer than the message', '91 c6 ffffffff 00'],
  ['an array of four billion', 'dd ffffffff 01 01'],
  ['a nested array of four billion', '91 dd ffffffff 01 01'],
  ['a map of four billion', '91 df ffffffff a161 01'],
  ['a map with a key too few', '91 82 a161 01 a162'],
  ['a key cut short', '91 81 a5 61'],
  ['a number cut short', '91 cf 0000'],
  ['an ext longer than the message', '91 c9 ffffffff 02 00'],
  ['an empty bigint', '91 c7 00 02'],
  ['an undefined that is not empty', '91 d4 01 00'],
  ['a date of four bytes', '91 d6 06 00000000'],
  ['a map ext with a key and no value', '91 c7 02 03 91 01'],
  ['a map ext without an array', '91 d4 03 01'],
  ['a set ext with something after its array', '91 d5 04 90 00'],
  ['a set ext whose array goes beyond it', '91 d4 04 91 01'],
  ['a model of a type never announced', '91 d5 05 01 80'],
  ['a model without fields', '92 09 91 92 01 a5506f696e74 91 d5 05 01 01'],
  ['a model by places that were not announced', '92 09 91 92 01 a5506f696e74 91 d5 05 01 90'],
  ['a model with a place too few', `${POINT_BY_PLACES} 91 d6 05 01 91 01 91`],
  ['a model with a place too many', `${POINT_BY_PLACES} 91 c7 05 05 01 93 01 02 03`],
  ['a model whose places go beyond the message', `${POINT_BY_PLACES} 91 d6 05 01 92 01`],
  ['a run that tells too little', '94 04 01 00 01'],
  ['a run that tells too much', '94 04 01 02 01'],
  ['a run that tells no size', '94 04 01 a0 01'],
  ['a run that tells what stands before its items', '93 04 01 03'],
];

const refusedItems: [what: string, item: string][] = [
  ['the key __proto__', '81 a9 5f5f70726f746f5f5f 81 a8 706f6c6c75746564 c3'],
  ['the key constructor, deep inside', '91 91 81 ab 636f6e7374727563746f72 01'],
  ['the key prototype in a long form', '81 d909 70726f746f74797065 01'],
  ['a key that is not a text', '81 01 02'],
  ['a key that is an array', '81 91 a161 02'],
  ['an integer beyond 2^53', 'cf 0020000000000000'],
  ['an integer below -2^53', 'd3 8000000000000000'],
  ['an ext type nobody knows', 'd6 ff 00000000'],
];

describe('MsgpackDecoder', () => {
  it.each(malformed)('closes on %s', (_, message) => {
    expect(() => msgpackPair().decode(fromHex(message))).toThrow(ProtocolViolation);
  });

  it.each(refusedItems)('refuses %s at the cost of its frame only', (_, item) => {
    const both = msgpackPair();
    const message = Buffer.concat([itemMessage(item), fromHex('94 04 02 01 05')]);
    const [bad, good] = both.decode(message);
    expect(bad?.problem).toMatchObject({ code: 'invalid-argument' });
    expect(good).toEqual({ frame: [FrameType.item, 2, 1, 5], problem: undefined });
    expect('polluted' in {}).toBe(false);
  });

  it.each([
    ['ca 3f000000', 0.5],
    ['d3 ffffffffffffffff', -1],
    ['cf 0000000000000001', 1],
    ['cd 0001', 1],
    ['d0 ff', -1],
    ['db 00000002 c3a9', 'é'],
    ['dd 00000001 01', [1]],
    ['df 00000001 db 00000001 61 01', { a: 1 }],
    ['c9 00000001 02 ff', -1n],
    ['d5 02 0001', 1n],
    ['d8 02 00000000000000000000000000000001', 1n],
  ])('takes a longer form than needed: %s', (bytes, value) => {
    expect(receiveItem(bytes)).toEqual({
      frame: [FrameType.item, 1, fromHex(bytes).length, value],
      problem: undefined,
    });
  });

  it('keeps keys apart that share a place in its cache', () => {
    const both = msgpackPair();
    const keys = Array.from({ length: 2000 }, (_, i) => `key${(i * 7919) % 2000}`);
    const items = keys.map((key, i) => ({ [key]: i, same: i, [`é${key}`]: i }));
    for (const item of items) both.encoder.item(1, item);
    expect(itemsOf(both.pass()).map(([, item]) => item)).toStrictEqual(items);
  });

  it('takes no byte for a cached key whose character has that number', () => {
    const both = msgpackPair();
    for (let i = 0; i < 2; i++) expect(both.roundTrip({ a: 1, é: 2 })).toEqual({ a: 1, é: 2 });
    expect(() => both.decode(itemMessage('82 a161 01 a1e9 02'))).toThrow(ProtocolViolation);
  });

  it('makes nothing of a list that claims more than the message holds', () => {
    const made: unknown[] = [];
    const receiver = new TestModels().add(Point, 'Point', (fields) => made.push(fields));
    const both = new CodecPair({ codec: 'msgpack', receiver });
    both.decode(fromHex('92 09 91 92 01 a5506f696e74'));
    for (const list of ['dd ffffffff', '91 dd ffffffff', '91 df ffffffff a161']) {
      const message = fromHex(`${list} d5 05 01 80 d5 05 01 80`);
      expect(() => both.decode(message)).toThrow(ProtocolViolation);
    }
    expect(made).toEqual([]);
  });

  it('tells of a type by places that nobody registered, and goes on with the next frame', () => {
    const both = new CodecPair({ codec: 'msgpack', receiver: new TestModels().add(Line) });
    both.decode(fromHex(POINT_BY_PLACES));
    const [bad, good] = both.decode(
      Buffer.concat([itemMessage('c7 04 05 01 92 01 02'), fromHex('94 04 02 01 05')]),
    );
    expect(bad?.problem).toMatchObject({ code: 'invalid-argument' });
    expect(good).toEqual({ frame: [FrameType.item, 2, 1, 5], problem: undefined });
  });

  it('goes by the names that were announced last', () => {
    const both = msgpackPair();
    both.decode(fromHex(POINT_BY_PLACES));
    both.decode(fromHex('92 09 91 93 01 a5506f696e74 92 a179 a178'));
    const { frame } = receiveItem('c7 04 05 01 92 01 02', both);
    expect(frame[3]).toStrictEqual(Point.at(2, 1));
  });

  it('gives bytes that are no Buffer, when the message is one', () => {
    const { frame } = receiveItem('c4 02 0102');
    const [received] = msgpackPair().decode(Buffer.from(itemMessage('c4 02 0102')));
    expect(received?.frame).toStrictEqual(frame);
    expect(Buffer.isBuffer(received?.frame[3])).toBe(false);
  });

  it('reads a message that is a part of a larger buffer', () => {
    const message = itemMessage('93 cb3fe0000000000000 a161 cd0100');
    const larger = Buffer.concat([Buffer.alloc(3, 0xff), message, Buffer.alloc(3, 0xff)]);
    const [received] = msgpackPair().decode(larger.subarray(3, 3 + message.length));
    expect(received?.frame[3]).toEqual([0.5, 'a', 256]);
  });

  it('may be called while it calls', () => {
    const both = msgpackPair();
    const seen: unknown[] = [];
    both.decoder.decode(fromHex('92 07 01 92 07 02'), (frame) => {
      seen.push(frame[1]);
      both.decoder.decode(fromHex('91 0a'), (inner) => seen.push(inner[0]));
    });
    expect(seen).toEqual([1, FrameType.ping, 2, FrameType.ping]);
  });

  it('reads a bigint of a whole message in less than a second', () => {
    const bytes = new Uint8Array(1_000_000).fill(0x7f);
    const header = fromHex('91 c9 000f4240 02');
    const start = performance.now();
    const [received] = msgpackPair().decode(Buffer.concat([header, bytes]));
    expect(typeof received?.frame[0]).toBe('bigint');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

/** Decodes what may be anything; all it may do is to refuse. */
function survive(message: Uint8Array): void {
  const both = msgpackPair();
  both.decode(fromHex('92 09 92 92 01 a5506f696e74 93 02 a44c696e65 90'));
  try {
    both.decode(message);
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
  }
}

/** Bytes that begin containers, exts and models more often than chance would. */
const formatBytes = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(
    0x81,
    0x91,
    0x92,
    0x94,
    0xa1,
    0xc7,
    0xc8,
    0xd4,
    0xd5,
    0xd6,
    0xd7,
    0xd8,
    0xdc,
    0xde,
  ),
  fc.integer({ min: 0, max: 6 }),
);

const damagedMessage = fc
  .tuple(
    fc.array(anyValue, { minLength: 1, maxLength: 5 }),
    fc.array(fc.tuple(fc.nat(), formatBytes), { maxLength: 4 }),
    fc.nat(200),
  )
  .map(([items, changes, cut]) => {
    const { encoder } = msgpackPair();
    for (const item of items) encoder.item(1, [item, Line.through(Point.at(item, 1))]);
    const message = Uint8Array.from(encoder.take() as Uint8Array);
    for (const [at, byte] of changes) message[at % message.length] = byte;
    return message.subarray(0, message.length - (cut < message.length ? cut >> 3 : 0));
  });

describe('MsgpackDecoder, given anything', () => {
  it('refuses random bytes as a violation and in no other way', () => {
    const random = fc.array(formatBytes, { maxLength: 300 }).map((all) => Uint8Array.from(all));
    fc.assert(fc.property(random, survive), { numRuns: 3000 });
  });

  it('refuses damaged messages as a violation and in no other way', () => {
    fc.assert(fc.property(damagedMessage, survive), { numRuns: 800 });
  });

  it.each([
    ['arrays that each claim all that is left', 'dd 000f0000'],
    ['arrays of one', '91'],
    ['maps of one', '81 a161'],
    ['sets of one', 'c9 000f0000 04 91'],
    ['empty maps', '80'],
    ['models', 'd5 05 01 80'],
    ['models by places', 'd5 05 02 90'],
    ['bytes without content', 'c4 00'],
    ['empty texts', 'a0'],
    ['frames without content', '90'],
  ])('reads a megabyte of %s in bounded time', (_, unit) => {
    const unitBytes = fromHex(unit);
    const fill = Buffer.alloc(1_000_000 - (1_000_000 % unitBytes.length), unitBytes);
    const inFrame = Buffer.concat([fromHex(`dd ${countOf(fill, unitBytes)}`), fill]);
    const start = performance.now();
    survive(fill);
    survive(inFrame);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

function countOf(fill: Uint8Array, unit: Uint8Array): string {
  return (fill.length / unit.length).toString(16).padStart(8, '0');
}
