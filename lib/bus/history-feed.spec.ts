import { describe, expect, it, vi } from 'vitest';
import { defineChannel } from './define-channel.js';
import { MessageBus } from './message-bus.js';
import { Relay, RelayDriver } from './spec/relay-driver.js';

const channel = defineChannel<number>('a', { history: { size: 100, ttlMs: 1_000_000 } });

function createBuses() {
  const relay = new Relay();
  const driver = new RelayDriver(relay);
  const channelFailed = vi.fn();
  const bus = new MessageBus({ driver, hooks: { channelFailed } });
  const publisher = new MessageBus({ driver: new RelayDriver(relay) });
  return { relay, driver, bus, publisher, channelFailed };
}

async function turns(count = 10): Promise<void> {
  for (let n = 0; n < count; n += 1) await new Promise(setImmediate);
}

describe('A channel with history on a clustered driver', () => {
  it('reads where it begins once it is subscribed, so that nothing falls between the two', async () => {
    const { relay, bus, publisher } = createBuses();
    let release = () => {};
    relay.histories.held = new Promise((resolve) => {
      release = resolve;
    });
    const subscription = bus.subscribe(channel);
    const early = bus.subscribe(channel, { since: 'start' });
    const ready = vi.fn();
    void subscription.ready.then(ready);
    await turns();
    await publisher.publish(channel, 1);
    expect(ready).not.toHaveBeenCalled();
    release();
    await subscription.ready;
    await publisher.publish(channel, 2);
    expect((await subscription.next()).value).toBe(2);
    expect([(await early.next()).value, (await early.next()).value]).toEqual([1, 2]);
  });

  it('subscribes and reads once for all subscriptions of a process', async () => {
    const { driver, bus, publisher } = createBuses();
    const subscriptions = Array.from({ length: 20 }, () => bus.subscribe(channel));
    const subscribe = vi.spyOn(driver.history, 'subscribe');
    await Promise.all(subscriptions.map(({ ready }) => ready));
    driver.history.interrupt();
    await publisher.publish(channel, 1);
    const read = vi.spyOn(driver.history, 'read');
    driver.history.resume();
    for (const subscription of subscriptions) expect((await subscription.next()).value).toBe(1);
    expect([subscribe.mock.calls.length, read.mock.calls.length]).toEqual([0, 1]);
  });

  it('gives all of them one instance of a message', async () => {
    const { bus } = createBuses();
    const objects = defineChannel<object>('b', { history: { size: 100, ttlMs: 1_000_000 } });
    const [one, two] = [bus.subscribe(objects), bus.subscribe(objects)];
    await Promise.all([one.ready, two.ready]);
    await bus.publish(objects, {});
    expect((await one.next()).value).toBe((await two.next()).value);
  });

  it('fails its subscriptions where the driver can not carry it any more', async () => {
    const { relay, bus, channelFailed } = createBuses();
    const subscription = bus.subscribe(channel);
    const behind = bus.subscribe(channel, { since: 'start' });
    await subscription.ready;
    const refusal = new Error('not permitted');
    for (const receiver of relay.histories.receivers.get('a') ?? []) receiver.failed(refusal);
    await expect(subscription.next()).rejects.toBe(refusal);
    await expect(behind.next()).rejects.toBe(refusal);
    expect(channelFailed.mock.calls).toEqual([['a', refusal]]);
    expect(bus.subscriberCount()).toBe(0);
  });

  it('fails the subscriptions that wait for it where the history can never be read', async () => {
    const { driver, bus } = createBuses();
    const error = new Error('WRONGTYPE');
    vi.spyOn(driver.history, 'read').mockRejectedValue(error);
    const subscription = bus.subscribe(channel);
    await expect(subscription.ready).rejects.toBe(error);
    await expect(subscription.next()).rejects.toBe(error);
    expect(bus.subscriberCount()).toBe(0);
  });

  it('lets go of the driver after the last subscription, and of all reading', async () => {
    const { relay, driver, bus, publisher } = createBuses();
    const subscription = bus.subscribe(channel, { since: 'start' });
    subscription.cancel();
    await turns();
    const read = vi.spyOn(driver.history, 'read');
    await publisher.publish(channel, 1);
    driver.history.resume();
    await turns();
    expect([read.mock.calls.length, relay.histories.receivers.get('a')?.size]).toEqual([0, 0]);
  });
});
