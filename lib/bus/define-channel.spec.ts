import { describe, expect, it, vi } from 'vitest';
import { BusError } from './bus-error.js';
import { defineChannel } from './define-channel.js';
import { MessageBus } from './message-bus.js';

class Pixel {
  constructor(readonly index: number) {}
}

class Stroke {}

const wrong = {} as unknown as Pixel;

describe('defineChannel', () => {
  it('gives plain data that does not change', () => {
    const history = { size: 10, ttlMs: 1000 };
    const channel = defineChannel('pixel', Pixel, { history });
    history.size = 20;
    expect(channel).toEqual({ name: 'pixel', type: Pixel, history: { size: 10, ttlMs: 1000 } });
    expect(Object.isFrozen(channel) && Object.isFrozen(channel.history)).toBe(true);
  });

  it('takes options without a type, and a name alone', () => {
    const history = { size: 1, ttlMs: 1 };
    expect(defineChannel('a', { history })).toEqual({ name: 'a', type: undefined, history });
    expect(defineChannel('a')).toEqual({ name: 'a', type: undefined, history: undefined });
  });

  it('refuses an empty name and a type that is none, saying what may be the cause', () => {
    expect(() => defineChannel('')).toThrow('A channel must be a string that is not empty');
    expect(() => defineChannel('a', undefined as unknown as typeof Pixel)).toThrow(
      /The channel "a": what follows its name must be a class, .* circular import/,
    );
    expect(() => defineChannel('a', 'Pixel' as unknown as typeof Pixel)).toThrow(TypeError);
  });

  it.each([
    [{ size: 0, ttlMs: 1 }, 'history.size must be a whole number from 1 to 1000000, not 0.'],
    [{ size: 1.5, ttlMs: 1 }, 'history.size'],
    [{ size: 1_000_001, ttlMs: 1 }, 'history.size'],
    [{ size: 1 } as { size: number; ttlMs: number }, 'history.ttlMs must be'],
    [{ size: 1, ttlMs: 2 ** 31 }, 'history.ttlMs must be'],
  ])('refuses the history %j', (history, expected) => {
    expect(() => defineChannel('a', { history })).toThrow(TypeError);
    expect(() => defineChannel('a', { history })).toThrow(expected);
  });

  it('resolves a type given by an arrow function when it is first used', async () => {
    let made: typeof Pixel | undefined;
    const channel = defineChannel('a', () => made as typeof Pixel);
    made = Pixel;
    await expect(new MessageBus().publish(channel, wrong)).rejects.toThrow(
      'A message on channel "a" is Object, not Pixel.',
    );
  });
});

describe('MessageBus with a defined channel', () => {
  const pixels = defineChannel('pixel', () => [Pixel, String]);

  it('takes it in place of the name, everywhere', async () => {
    const bus = new MessageBus();
    const byChannel = bus.subscribe(pixels);
    const byName = bus.subscribe('pixel');
    const fn = vi.fn();
    bus.addListener(pixels, fn);
    await bus.publish(pixels, new Pixel(1));
    await bus.publish('pixel', 'two');
    for (const subscription of [byChannel, byName]) {
      expect((await subscription.next()).value).toEqual(new Pixel(1));
      expect((await subscription.next()).value).toBe('two');
    }
    bus.removeListener(pixels, fn);
    await bus.publish(pixels, 'three');
    expect(fn).toHaveBeenCalledTimes(2);
    expect(bus.subscriberCount('pixel')).toBe(2);
  });

  it('rejects a message of another type before anybody gets it', async () => {
    const published = vi.fn();
    const bus = new MessageBus({ hooks: { published } });
    const fn = vi.fn();
    bus.addListener('pixel', fn);
    const refused = bus.publish(pixels, new Stroke() as Pixel);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(
      'A message on channel "pixel" is Stroke, not Pixel or String.',
    );
    expect([fn, published].map((it) => it.mock.calls.length)).toEqual([0, 0]);
  });

  it('gives a message of another type, published by name, as an error in the loop', async () => {
    const bus = new MessageBus();
    const subscription = bus.subscribe(pixels);
    await bus.publish('pixel', new Stroke());
    await bus.publish('pixel', new Pixel(2));
    await expect(subscription.next()).rejects.toMatchObject({ code: 'invalid-argument' });
    expect((await subscription.next()).value).toEqual(new Pixel(2));
  });

  it('calls no listener with a message of another type, but tells the hook', async () => {
    const listenerFailed = vi.fn();
    const bus = new MessageBus({ hooks: { listenerFailed } });
    const fn = vi.fn();
    bus.addListener(pixels, fn);
    await bus.publish('pixel', 1);
    await bus.publish('pixel', 'two');
    expect(fn.mock.calls).toEqual([['two']]);
    const expected = 'A message on channel "pixel" is number, not Pixel or String.';
    expect(listenerFailed.mock.calls).toEqual([
      ['pixel', new BusError('invalid-argument', expected)],
    ]);
  });

  it('refuses one name with two histories at a time, and takes it when the first is gone', async () => {
    const bus = new MessageBus();
    const kept = defineChannel('a', { history: { size: 1, ttlMs: 1000 } });
    const subscription = bus.subscribe('a');
    const expected =
      'The channel "a" is used with a history of 1 messages and 1000 ms here, and without a history ' +
      'elsewhere in this process: use what one defineChannel() gave in all places.';
    await expect(bus.publish(kept, 1)).rejects.toThrow(expected);
    expect(() => bus.subscribe(kept)).toThrow(new TypeError(expected));
    expect(() => bus.addListener(kept, () => {})).toThrow(TypeError);
    expect(bus.subscriberCount()).toBe(1);
    subscription.cancel();
    bus.subscribe(kept);
    expect(() => bus.subscribe('a')).toThrow(TypeError);
    bus.subscribe(defineChannel('a', { history: { size: 1, ttlMs: 1000 } }));
    await bus.close();
  });

  it('refuses since without a history, and one that makes no sense', () => {
    const bus = new MessageBus();
    expect(() => bus.subscribe(pixels, { since: 'start' })).toThrow(
      'The channel "pixel" has no history, so since can\'t be used',
    );
    const kept = defineChannel('a', { history: { size: 1, ttlMs: 1000 } });
    for (const since of [1, { agoMs: -1 }, { agoMs: '1' }, {}, null] as never[]) {
      expect(() => bus.subscribe(kept, { since })).toThrow(/^since must be 'start', the position/);
      expect(() => bus.addListener(kept, () => {}, { since })).toThrow(TypeError);
    }
    expect(bus.subscriberCount()).toBe(0);
  });
});
