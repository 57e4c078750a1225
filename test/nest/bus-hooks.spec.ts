import { describe, expect, it, vi } from 'vitest';
import { type BusHooks, MessageBus } from '../../lib/index.js';
import { startApp } from './app.js';

describe("The application's own hooks of the bus", () => {
  it('are told what the bus does', async () => {
    const published = vi.fn();
    const delivered = vi.fn();
    const dropped = vi.fn();
    const { app } = await startApp({ options: { busHooks: { published, delivered, dropped } } });
    const bus = app.get(MessageBus);
    const two = [bus.subscribe('a'), bus.subscribe('a', { capacity: 1, overflow: 'dropOldest' })];
    await bus.publish('a', 1);
    await bus.publish('a', 2);
    expect(published.mock.calls).toEqual([['a'], ['a']]);
    expect(delivered.mock.calls).toEqual([
      ['a', 2],
      ['a', 2],
    ]);
    expect(dropped.mock.calls).toEqual([['a', 1]]);
    for (const subscription of two) subscription.cancel();
  });

  it('may be methods of an object', async () => {
    class Counter implements BusHooks {
      count = 0;
      published() {
        this.count++;
      }
    }
    const busHooks = new Counter();
    const { app } = await startApp({ options: { busHooks } });
    await app.get(MessageBus).publish('a', 1);
    expect(busHooks.count).toBe(1);
  });

  it.each([
    [
      'throw',
      () => {
        throw new Error('no metrics today');
      },
    ],
    ['reject', async () => Promise.reject(new Error('no metrics today'))],
  ])(
    'cost nobody anything when they %s, and are told of in the log, once',
    async (_, published) => {
      const { app, log } = await startApp({ options: { busHooks: { published } } });
      const bus = app.get(MessageBus);
      const messages = bus.subscribe('a');
      await bus.publish('a', 1);
      await bus.publish('a', 2);
      expect([(await messages.next()).value, (await messages.next()).value]).toEqual([1, 2]);
      expect(log.find('error', 'no metrics today')).toEqual([
        'error The hook published of busHooks threw: Error: no metrics today',
      ]);
      messages.cancel();
    },
  );
});
