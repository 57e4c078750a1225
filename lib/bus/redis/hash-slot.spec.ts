import { describe, expect, it } from 'vitest';
import { hashSlot } from './hash-slot.js';

describe('hashSlot', () => {
  // As `CLUSTER KEYSLOT` of a Redis server gives them.
  const slots: readonly [string, number][] = [
    ['', 0],
    ['foo', 12182],
    ['123456789', 12739],
    ['{user1000}.following', 3443],
    ['{user1000}.followers', 3443],
    ['user1000', 3443],
    ['foo{}{bar}', 8363],
    ['foo{{bar}}zap', 4015],
    ['foo{bar}{zap}', 5061],
    ['ä€😀', 2315],
    ['a}b{c}', 7365],
    ['{a', 10276],
  ];

  it.each(slots)('gives the slot of %j', (key, slot) => {
    expect(hashSlot(key)).toBe(slot);
  });
});
