import { describe, expect, it } from 'vitest';
import { FrameType } from '../frames.js';
import type { CodecName } from '../version.js';
import { ProtocolViolation } from '../violation.js';
import { CodecPair, itemsOf, type Message } from './codec-pair.js';
import { frameContract } from './frame.contract.js';
import { listContract } from './list.contract.js';
import { modelContract } from './model.contract.js';
import { orderContract } from './order.contract.js';
import { refusalContract } from './refusal.contract.js';
import { sharedContract } from './shared.contract.js';
import { valueContract } from './value.contract.js';

/** What FrameEncoder and FrameDecoder promise, as tests: run for every codec. */
export function describeCodec(codec: CodecName): void {
  const pair = () => new CodecPair({ codec });
  describe(`the ${codec} codec`, () => {
    describe('values', () => valueContract(pair));
    describe('frames', () => frameContract(pair));
    describe('values that cannot be sent', () => refusalContract(pair));
    describe('limits', () => limitContract(codec));
    describe('models', () => modelContract(codec));
    describe('items for many streams', () => sharedContract(codec));
    describe('streams that share items', () => orderContract(codec));
    describe('runs for a list of streams', () => listContract(codec));
  });
}

const nested = (levels: number, wrap: (inner: unknown) => unknown) =>
  Array.from({ length: levels }).reduce<unknown>(wrap, null);

const wraps: [what: string, wrap: (inner: unknown) => unknown][] = [
  ['lists', (inner) => [inner]],
  ['objects', (inner) => ({ a: inner })],
  ['maps', (inner) => new Map([['a', inner]])],
  ['sets', (inner) => new Set([inner])],
];

function limitContract(codec: CodecName): void {
  it.each(wraps)('carries %s within the depth and refuses to send deeper ones', (_, wrap) => {
    const both = new CodecPair({ codec });
    expect(both.roundTrip(nested(25, wrap))).toStrictEqual(nested(25, wrap));
    expect(() => both.encoder.item(1, nested(65, wrap))).toThrow(TypeError);
    expect(() => both.encoder.item(1, nested(100_000, wrap))).toThrow(TypeError);
  });

  it.each(wraps)('closes on a peer that sends %s beyond the depth', (_, wrap) => {
    const both = new CodecPair({ codec, encoderLimits: { depth: 1000 } });
    both.encoder.item(1, nested(70, wrap));
    expect(() => both.pass()).toThrow(ProtocolViolation);
  });

  it('refuses an item or a frame that is larger than it may be, and adds nothing', () => {
    const both = new CodecPair({ codec });
    both.encoder.item(1, 'x'.repeat(1001));
    both.encoder.maxFrameBytes = 1000;
    expect(() => both.encoder.item(1, 'x'.repeat(1001))).toThrow(/1000 bytes/);
    expect(() => both.encoder.item(2, 'é'.repeat(600))).toThrow(TypeError);
    expect(() => both.encoder.frame([FrameType.credentials, 'x'.repeat(1001)])).toThrow(TypeError);
    for (const item of ['x'.repeat(900), 'é'.repeat(450)]) both.encoder.item(1, item);
    expect(itemsOf(both.pass()).map(([, item]) => (item as string).length)).toEqual([
      1001, 900, 450,
    ]);
  });

  it('closes on a message of the other kind', () => {
    const both = new CodecPair({ codec });
    const other: Message = codec === 'json' ? new Uint8Array([0x91, 0x0a]) : '[[10]]';
    expect(() => both.decode(other)).toThrow(ProtocolViolation);
  });
}
