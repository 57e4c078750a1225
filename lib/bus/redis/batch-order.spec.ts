import { describe, expect, it } from 'vitest';
import { type BatchHeader, HEADER_BYTES, readHeader, writeHeader } from './batch-header.js';
import { BatchNumbers, SenderOrder } from './batch-order.js';

function header(sender: string, number: number, isFirst = false): BatchHeader {
  return { sender, number, isFirst };
}

describe('The header of a batch', () => {
  it('is read as it was written', () => {
    for (const it of [header('\u0000ÿabcdef', 0, true), header('12345678', 2 ** 47 + 1)]) {
      const batch = Buffer.alloc(HEADER_BYTES);
      writeHeader(batch, it);
      expect(readHeader(batch)).toEqual(it);
    }
  });

  it('is none where there is something else', () => {
    expect(readHeader(Buffer.alloc(HEADER_BYTES))).toBeUndefined();
    expect(readHeader(Buffer.from([0xb0]))).toBeUndefined();
  });
});

describe('SenderOrder', () => {
  it('takes what comes first as it is, and then tells gaps and latecomers', () => {
    const order = new SenderOrder();
    const seen = [5, 6, 9, 7, 9, 10].map((number) => order.see(header('a', number)));
    expect(seen).toEqual(['next', 'next', 'gap', 'late', 'late', 'next']);
  });

  it('keeps senders apart', () => {
    const order = new SenderOrder();
    const seen = [header('a', 1), header('b', 7), header('a', 2), header('b', 8)];
    expect(seen.map((it) => order.see(it))).toEqual(['next', 'next', 'next', 'next']);
  });

  it('sees no gap where a sender begins anew, nor after a reset', () => {
    const order = new SenderOrder();
    order.see(header('a', 1));
    expect(order.see(header('a', 50, true))).toBe('next');
    order.reset();
    expect(order.see(header('a', 70))).toBe('next');
  });
});

describe('BatchNumbers', () => {
  it('count each channel by itself, from a first one', () => {
    const numbers = new BatchNumbers();
    expect(numbers.take('a')).toEqual({ number: 0, isFirst: true });
    expect(numbers.take('a')).toEqual({ number: 1, isFirst: false });
    expect(numbers.take('b')).toEqual({ number: 2, isFirst: true });
    expect(numbers.take('a')).toEqual({ number: 2, isFirst: false });
  });

  it('begin above all they had before, where a channel was forgotten', () => {
    const numbers = new BatchNumbers();
    numbers.take('a');
    const last = numbers.take('a');
    for (let n = 0; n < 10_000; n++) numbers.take(`other ${n}`);
    const next = numbers.take('a');
    expect(next.isFirst).toBe(true);
    expect(next.number).toBeGreaterThan(last.number);
  });
});
