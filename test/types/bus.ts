import {
  type Channel,
  defineChannel,
  type MessageBus,
  type Messages,
  type Subscription,
} from '../../lib/index.js';
import type { Equal, Expect } from './expect.js';

class Pixel {
  constructor(readonly index: number) {}
}

class Stroke {
  readonly width = 1;
}

interface Score {
  readonly player: string;
}

declare const bus: MessageBus;
declare const messages: Messages;

const history = { size: 100, ttlMs: 60_000 };
const pixels = defineChannel('pixel', Pixel);
const lazy = defineChannel('pixel', () => Pixel, { history });
const either = defineChannel('both', () => [Pixel, Stroke, String]);
const scores = defineChannel<Score>('score');
const keptScores = defineChannel<Score>('score', { history });
const anything = defineChannel('anything');

export type Channels = [
  Expect<Equal<typeof pixels, Channel<Pixel>>>,
  Expect<Equal<typeof lazy, Channel<Pixel>>>,
  Expect<Equal<typeof either, Channel<Pixel | Stroke | string>>>,
  Expect<Equal<typeof scores, Channel<Score>>>,
  Expect<Equal<typeof keptScores, Channel<Score>>>,
  Expect<Equal<typeof anything, Channel<unknown>>>,
];

/** What is published has to be of the channel's type. */
export async function publish(): Promise<void> {
  await bus.publish(pixels, new Pixel(1));
  await bus.publish(either, 'text', { scope: 'global' });
  await messages.publish(scores, { player: 'Anna' });
  await bus.publish(anything, 1);
  await bus.publish('by name', 1);
  // @ts-expect-error another class
  await bus.publish(pixels, new Stroke());
  // @ts-expect-error a number is none of the three
  await bus.publish(either, 1);
  // @ts-expect-error a property is missing
  await bus.publish(scores, {});
  // @ts-expect-error a property too many
  await bus.publish(scores, { player: 'Anna', points: 1 });
  // @ts-expect-error the message is missing
  await bus.publish(pixels);
  // @ts-expect-error made by hand
  await bus.publish({ name: 'pixel' }, new Pixel(1));
}

const subscribed = bus.subscribe(pixels);
const bound = messages.subscribe(either, { since: 'start', onGap: ({ reason }) => void reason });
const scored = bus.subscribe(scores, { overflow: 'latest' });

export type Subscriptions = [
  Expect<Equal<typeof subscribed, Subscription<Pixel>>>,
  Expect<Equal<typeof bound, Subscription<Pixel | Stroke | string>>>,
  Expect<Equal<typeof scored, Subscription<Score>>>,
];

/** What is asked for has to fit the channel. */
export function subscribe(): void {
  bus.subscribe(lazy, { since: scored.position });
  bus.subscribe(lazy, { since: { agoMs: 1_000 } });
  // @ts-expect-error the channel has a type already
  bus.subscribe(pixels, { type: () => Stroke });
  // @ts-expect-error a name alone has no history
  bus.subscribe('pixel', { since: 'start' });
  // @ts-expect-error not a place to begin
  bus.subscribe(lazy, { since: 5 });
}

/** A listener takes what the channel carries. */
export function listen(): void {
  const onPixel = (pixel: Pixel) => pixel.index;
  const remove = bus.addListener(pixels, onPixel, { onGap: (gap) => gap.missed });
  bus.removeListener(pixels, onPixel);
  bus.addListener(either, (message) => (typeof message === 'string' ? message.length : 0));
  bus.addListener<Score>('score', ({ player }) => player);
  remove();
  // @ts-expect-error another class
  bus.addListener(pixels, (stroke: Stroke) => stroke.width);
}

/** A channel is for one type: who publishes more would be heard by those who expect less. */
export function pass(): void {
  const take = (_: Channel<Pixel | Stroke>) => {};
  // @ts-expect-error a stroke could be published on it
  take(pixels);
}

// @ts-expect-error a history has both bounds
defineChannel('a', { history: { size: 1 } });
// @ts-expect-error not a class
defineChannel('a', new Pixel(1));
