import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BusDriver, ChannelReceiver, DriverSubscription, Reach } from '../bus-driver.js';

/** How the suite gets the drivers it tests. It closes each of them. */
export interface BusDriverSetup {
  readonly clustered: boolean;
  /** A driver of its own; where it is clustered, each one is another server of one cluster. */
  create(): Promise<BusDriver>;
}

class Recorder implements ChannelReceiver {
  readonly messages: unknown[] = [];
  readonly #onMessage: (message: unknown) => void;

  constructor(onMessage: (message: unknown) => void = () => {}) {
    this.#onMessage = onMessage;
  }

  message(message: unknown): void {
    this.messages.push(message);
    this.#onMessage(message);
  }

  gap(): void {}
}

/** What stands in `BusDriver`, as tests: run for every driver. */
export function describeBusDriver(name: string, setup: BusDriverSetup): void {
  describe(`${name}, as a BusDriver`, () => {
    const drivers: BusDriver[] = [];

    async function createDriver(): Promise<BusDriver> {
      const driver = await setup.create();
      drivers.push(driver);
      return driver;
    }

    afterEach(async () => {
      for (const driver of drivers.splice(0)) await driver.close();
    });

    function widest(driver: BusDriver): Reach {
      return driver.clustered ? 'global' : 'local';
    }

    /**
     * Publishes a last message and waits for it: what was to arrive before it has arrived, unless the
     * channels are with different servers.
     */
    async function settle(driver: BusDriver): Promise<void> {
      const recorder = new Recorder();
      const subscription = driver.subscribe('the last one', recorder);
      await subscription.ready;
      await driver.publish('the last one', 'last', widest(driver));
      await vi.waitFor(() => expect(recorder.messages).toEqual(['last']), { interval: 1 });
      subscription.cancel();
    }

    /** Waits for what was to arrive, then for what was not. */
    async function settled(driver: BusDriver, expectation: () => void): Promise<void> {
      await vi.waitFor(expectation, { interval: 1 });
      await settle(driver);
      expectation();
    }

    async function subscribe(driver: BusDriver, channel: string, recorder = new Recorder()) {
      const subscription: DriverSubscription = driver.subscribe(channel, recorder);
      await subscription.ready;
      return { subscription, recorder, messages: recorder.messages };
    }

    it('takes a message that nobody is subscribed to', async () => {
      const driver = await createDriver();
      await expect(driver.publish('empty', 1, widest(driver))).resolves.toBeUndefined();
      await expect(driver.publish('empty', 1, 'local')).resolves.toBeUndefined();
    });

    it('delivers each message once, equal and in order', async () => {
      const driver = await createDriver();
      const { messages } = await subscribe(driver, 'a');
      const sent = Array.from({ length: 200 }, (_, n) => ({ n, text: `number ${n}` }));
      await Promise.all(sent.map((message) => driver.publish('a', message, widest(driver))));
      await settled(driver, () => expect(messages).toEqual(sent));
    });

    it('delivers a local message in the same turn, as the same instance', async () => {
      const driver = await createDriver();
      const recorder = new Recorder();
      const { ready } = driver.subscribe('a', recorder);
      const message = { n: 1 };
      const published = driver.publish('a', message, 'local');
      await published;
      expect(recorder.messages).toHaveLength(1);
      expect(recorder.messages[0]).toBe(message);
      await ready;
    });

    it('keeps channels apart, whatever their names', async () => {
      const driver = await createDriver();
      const names = [
        'a',
        'A',
        'a*',
        'a?',
        '[a]',
        'a b',
        ' a',
        '__proto__',
        'constructor',
        'ä',
        '{a}b',
      ];
      const all = await Promise.all(names.map((channel) => subscribe(driver, channel)));
      for (const channel of names) await driver.publish(channel, channel, widest(driver));
      await settled(driver, () =>
        expect(all.map(({ messages }) => messages)).toEqual(names.map((channel) => [channel])),
      );
    });

    it('calls no receiver from inside another, and keeps the order of what is published there', async () => {
      const driver = await createDriver();
      const seen: string[] = [];
      let inside = false;
      let nested = 0;
      const note = (channel: string) => (message: unknown) => {
        if (inside) nested += 1;
        inside = true;
        seen.push(`${channel}${String(message)}`);
        if (channel === 'a' && message === 1) {
          void driver.publish('b', 1, widest(driver));
          void driver.publish('a', 2, widest(driver));
          void driver.publish('b', 2, widest(driver));
        }
        inside = false;
      };
      await subscribe(driver, 'a', new Recorder(note('a')));
      await subscribe(driver, 'b', new Recorder(note('b')));
      await driver.publish('a', 1, widest(driver));
      await settled(driver, () => {
        expect(seen.filter((entry) => entry.startsWith('a'))).toEqual(['a1', 'a2']);
        expect(seen.filter((entry) => entry.startsWith('b'))).toEqual(['b1', 'b2']);
      });
      expect(nested).toBe(0);
    });

    it('delivers nothing after cancel(), which may be repeated', async () => {
      const driver = await createDriver();
      const { subscription, messages } = await subscribe(driver, 'a');
      await driver.publish('a', 1, widest(driver));
      await settled(driver, () => expect(messages).toEqual([1]));
      subscription.cancel();
      subscription.cancel();
      await driver.publish('a', 2, widest(driver));
      await driver.publish('a', 3, 'local');
      await settle(driver);
      expect(messages).toEqual([1]);
    });

    it('stops in the middle of what arrives when its receiver cancels', async () => {
      const driver = await createDriver();
      const recorder = new Recorder(() => subscription.cancel());
      const { subscription } = await subscribe(driver, 'a', recorder);
      await Promise.all([1, 2, 3].map((n) => driver.publish('a', n, widest(driver))));
      await settled(driver, () => expect(recorder.messages).toEqual([1]));
    });

    it('takes a channel again in the turn it was left, and delivers to the new receiver alone', async () => {
      const driver = await createDriver();
      const first = await subscribe(driver, 'a');
      first.subscription.cancel();
      const second = await subscribe(driver, 'a');
      first.subscription.cancel();
      await driver.publish('a', 1, widest(driver));
      await settled(driver, () => expect([first.messages, second.messages]).toEqual([[], [1]]));
    });

    it('delivers nothing after close()', async () => {
      const driver = await setup.create();
      const other = await createDriver();
      const { messages } = await subscribe(driver, 'a');
      await driver.close();
      await other.publish('a', 1, widest(other));
      await settle(other);
      expect(messages).toEqual([]);
    });

    it('tells whether it is clustered', async () => {
      expect((await createDriver()).clustered).toBe(setup.clustered);
    });

    if (!setup.clustered) return;

    it('carries a global message to every server once, a local one to no other', async () => {
      const [one, two] = [await createDriver(), await createDriver()];
      const here = await subscribe(one, 'a');
      const there = await subscribe(two, 'a');
      await one.publish('a', { n: 1 }, 'global');
      await one.publish('a', { n: 2 }, 'local');
      await one.publish('a', { n: 3 }, 'global');
      await settled(one, () => expect(here.messages).toHaveLength(3));
      await settled(two, () => expect(there.messages).toEqual([{ n: 1 }, { n: 3 }]));
      expect(here.messages).toEqual(expect.arrayContaining([{ n: 1 }, { n: 2 }, { n: 3 }]));
    });
  });
}
