import { describe, expect, it, vi } from 'vitest';
import {
  type BusHooks,
  MessageBus,
  StreamingModule,
  type StreamingModuleOptions,
} from '../../lib/index.js';
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
    ['a text', 'metrics', 'busHooks must be an object of functions.'],
    ['null', null, 'busHooks must be an object of functions.'],
    ['a list', [() => {}], 'busHooks must be an object of functions.'],
    ['a class', class {}, 'busHooks must be an object of functions.'],
    ['a number for a hook', { gap: 5 }, 'busHooks.gap must be a function, not 5.'],
    ['null for a hook', { gap: null }, 'busHooks.gap must be a function, not null.'],
    [
      'a text for a hook',
      { gap: 'count' },
      'busHooks.gap must be a function, not the text "count".',
    ],
    [
      'an instance with a hook that is no function',
      new (class {
        delivered = {};
      })(),
      'busHooks.delivered must be a function, not ',
    ],
    ['a misspelt name', { gaps() {} }, 'busHooks.gaps is unknown: there are published, '],
  ])('are refused with a sentence that names the option when given %s', (_, given, sentence) => {
    const options = { busHooks: given } as unknown as StreamingModuleOptions;
    expect(() => StreamingModule.forRoot(options)).toThrow(
      `StreamingModule: the option ${sentence}`,
    );
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
