import { describe, expect, it } from 'vitest';
import type { ChannelReceiver } from './bus-driver.js';
import { LocalDriver } from './local-driver.js';
import { describeBusDriver } from './spec/bus-driver.contract.js';
import { describeHistory } from './spec/history.contract.js';
import { Relay, RelayDriver } from './spec/relay-driver.js';

describeBusDriver('LocalDriver', { clustered: false, create: async () => new LocalDriver() });

const relay = new Relay();
describeBusDriver('RelayDriver', { clustered: true, create: async () => new RelayDriver(relay) });

describeHistory('LocalDriver', { clustered: false, create: async () => new LocalDriver() });

function createReceiver(message: (message: unknown) => void): ChannelReceiver {
  return { message, gap: () => {} };
}

describe('LocalDriver', () => {
  it('delivers before publish returns', () => {
    const driver = new LocalDriver();
    const seen: unknown[] = [];
    driver.subscribe(
      'a',
      createReceiver((message) => seen.push(message)),
    );
    void driver.publish('a', 1);
    expect(seen).toEqual([1]);
  });

  it('keeps one order across channels for what is published inside a delivery', () => {
    const driver = new LocalDriver();
    const seen: string[] = [];
    driver.subscribe(
      'a',
      createReceiver((message) => {
        if (message === 1)
          for (const [to, n] of [
            ['b', 1],
            ['a', 2],
            ['b', 2],
          ] as const)
            void driver.publish(to, n);
        seen.push(`a${message}`);
      }),
    );
    driver.subscribe(
      'b',
      createReceiver((message) => seen.push(`b${message}`)),
    );
    void driver.publish('a', 1);
    expect(seen).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('delivers a long chain of messages, each published by the one before, in bounded stack', () => {
    const driver = new LocalDriver();
    let last = 0;
    driver.subscribe(
      'a',
      createReceiver((message) => {
        last = Number(message);
        if (last < 100_000) void driver.publish('a', last + 1);
      }),
    );
    void driver.publish('a', 1);
    expect(last).toBe(100_000);
  });
});
