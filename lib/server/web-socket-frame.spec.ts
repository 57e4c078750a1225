import { describe, expect, it } from 'vitest';
import { WebSocketFramer } from './web-socket-frame.js';

const LENGTHS = [0, 1, 125, 126, 127, 255, 256, 16_384];

/** What a client reads (RFC 6455, section 5.2): of a server's frame nothing is masked. */
function parse(frame: Buffer) {
  const [first = 0, second = 0] = frame;
  const isShort = second < 126;
  const length = isShort ? second : frame.readUInt16BE(2);
  const payload = frame.subarray(isShort ? 2 : 4);
  return { isWhole: first >= 0x80, opcode: first & 0x7f, mask: second >> 7, length, payload };
}

describe('A WebSocket frame of a short message', () => {
  it.each(LENGTHS)('holds a text of %i characters', (length) => {
    const frame = parse(new WebSocketFramer().frame('x'.repeat(length)) as Buffer);
    expect(frame).toMatchObject({ isWhole: true, opcode: 1, mask: 0, length });
    expect(frame.payload.toString()).toBe('x'.repeat(length));
  });

  it.each(LENGTHS)('holds %i bytes', (length) => {
    const bytes = new Uint8Array(length).fill(7);
    const frame = parse(new WebSocketFramer().frame(bytes) as Buffer);
    expect(frame).toMatchObject({ isWhole: true, opcode: 2, mask: 0, length });
    expect(new Uint8Array(frame.payload)).toEqual(bytes);
  });

  it.each(['é'.repeat(62), 'é'.repeat(63), '🎈'.repeat(4_000), '€'.repeat(16_384), '\ud800'])(
    'tells the bytes of a text that is not ASCII, not its characters',
    (text) => {
      const { length, payload } = parse(new WebSocketFramer().frame(text) as Buffer);
      expect(length).toBe(Buffer.from(text).length);
      expect(payload).toEqual(Buffer.from(text));
    },
  );

  it('is one and the same for a message that comes again', () => {
    const framer = new WebSocketFramer();
    const bytes = new Uint8Array([1]);
    expect(framer.frame(bytes)).toBe(framer.frame(bytes));
    expect(framer.frame('text')).toBe(framer.frame(['te', 'xt'].join('')));
    expect(framer.frame('text')?.toString('latin1')).toContain('text');
    expect(framer.frame('other')?.toString('latin1')).toContain('other');
  });

  it('is not made of a long message', () => {
    const framer = new WebSocketFramer();
    expect(framer.frame('x'.repeat(16_385))).toBe(undefined);
    expect(framer.frame(new Uint8Array(16_385))).toBe(undefined);
    expect(framer.frame('short')).not.toBe(undefined);
  });
});
