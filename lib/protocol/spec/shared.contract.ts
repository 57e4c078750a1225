import { expect, it } from 'vitest';
import type { CodecName } from '../version.js';
import { CodecPair, itemsOf, type Received } from './codec-pair.js';
import { Line, Point, TestModels } from './test-models.js';

/** What every codec must do with items that go to many streams. */
export function sharedContract(codec: CodecName): void {
  it('encodes an item once, whatever the number of connections and streams', () => {
    const { one, other, models } = twoConnections(codec);
    const point = models.share(Point.at(1, Point.at(2, 'three')));
    for (const both of [one, other]) {
      for (const stream of [1, 2, 3]) both.encoder.item(stream, point);
    }
    expect(models.conversions).toBe(2);
    for (const both of [one, other]) {
      expect(itemsOf(both.pass())).toStrictEqual([1, 2, 3].map((stream) => [stream, point]));
    }
  });

  it('sends one and the same message to connections whose streams have the same numbers', () => {
    const { one, other, models } = twoConnections(codec);
    const point = models.share({ some: 'thing' });
    for (const { encoder } of [one, other])
      for (const stream of [7, 9]) encoder.item(stream, point);
    expect(one.take()).toBe(other.take());
    other.encoder.item(8, point);
    expect(itemsOf(other.pass())).toEqual([[8, point]]);
  });

  it.each([
    ['in turn', '1a 2a 1b 2b 1c 2c'],
    ['one after the other', '1a 1b 1c 2a 2b 2c'],
  ])('sends items once for all streams that take them %s', (_, writes) => {
    const { one, models } = twoConnections(codec);
    const items = shareAll(models);
    for (const _message of ['first', 'second']) {
      const [alone = 0] = writes.split(' ').map((write) => writeTo(one, write, items));
      const message = one.take();
      expect(message.length).toBeLessThan(5 * alone);
      const received = one.decode(message);
      expect(received.map(({ frame }) => frame.slice(0, 3))).toEqual([
        [4, 1, 3 * alone],
        [4, 2, 3 * alone],
      ]);
      for (const stream of [1, 2]) expect(itemsFor(received, stream)).toEqual(Object.values(items));
    }
  });

  it('keeps each stream in order where they take different items', () => {
    const { one, models } = twoConnections(codec);
    const items = shareAll(models);
    const { a, b, c } = items;
    for (const write of '1a 1b 1c 2c 2a 3a 3c 3c'.split(' ')) writeTo(one, write, items);
    const received = one.pass();
    expect(itemsFor(received, 1)).toEqual([a, b, c]);
    expect(itemsFor(received, 2)).toEqual([c, a]);
    expect(itemsFor(received, 3)).toEqual([a, c, c]);
  });

  it('sends an item again to a stream that takes it from far ahead', () => {
    const { one, models } = twoConnections(codec);
    const items = Array.from({ length: 200 }, (_, id) => models.share({ id }));
    for (const item of items) one.encoder.item(1, item);
    for (const id of [150, 20, 199]) one.encoder.item(2, items[id]);
    const received = one.pass();
    expect(itemsFor(received, 1)).toEqual(items);
    expect(itemsFor(received, 2)).toEqual([{ id: 150 }, { id: 20 }, { id: 199 }]);
  });

  it('gives every stream an item of its own', () => {
    const { one, models } = twoConnections(codec);
    const item = models.share({ list: [Point.at(1, 2)], when: new Date(0) });
    for (const stream of [1, 2]) one.encoder.item(stream, item);
    const [first, second] = one.pass().map(({ frame }) => frame[3] as typeof item);
    expect([first, second]).toStrictEqual([item, item]);
    expect(first?.list).not.toBe(second?.list);
    expect(first?.list[0]).not.toBe(second?.list[0]);
    expect(first?.when).not.toBe(second?.when);
  });

  it('sends an item that was changed as it is now', () => {
    const { one, other, models } = twoConnections(codec);
    const deep = { is: 'before' };
    const point = models.share(Point.at(1, [deep]));
    one.encoder.item(1, point);
    deep.is = 'after';
    one.encoder.item(2, point);
    other.encoder.item(1, point);
    expect(itemsOf(one.pass())).toEqual([
      [1, Point.at(1, [{ is: 'before' }])],
      [2, Point.at(1, [{ is: 'after' }])],
    ]);
    expect(itemsOf(other.pass())).toEqual([[1, Point.at(1, [{ is: 'after' }])]]);
  });

  it.each(Object.entries(UNSHAREABLE))('encodes %s in an item anew each time', (_, make) => {
    const { one, models } = twoConnections(codec);
    const { item, change } = make();
    models.share(item);
    one.encoder.item(1, item);
    const before = structuredClone({ ...item });
    change();
    one.encoder.item(2, item);
    expect(itemsOf(one.pass())).toEqual([
      [1, before],
      [2, { ...item }],
    ]);
  });

  it('announces the types of an item on every connection, once and before it', () => {
    const { one, other, models } = twoConnections(codec);
    const point = models.share(Point.at(1, Line.through()));
    for (const both of [one, other]) {
      both.encoder.item(1, point);
      expect(itemsOf(both.pass())).toStrictEqual([[1, point]]);
    }
    for (const both of [one, other]) both.encoder.item(1, point);
    expect(one.take()).toBe(other.take());
  });

  it.each(['full', 'fresh'] as const)(
    'encodes an item for itself where its fields could not be announced, %s first',
    (first) => {
      const { last, ...connections } = tooManyNames(codec);
      const { full, fresh } = connections;
      for (const both of [connections[first], full, fresh]) both.encoder.item(2, last);
      for (const both of [full, fresh]) {
        const received = itemsFor(both.pass(), 2);
        expect(received).toStrictEqual(received.map(() => last));
        expect(received.length).toBeGreaterThan(0);
      }
    },
  );

  it('refuses for one stream what can not be sent, and goes on', () => {
    const { one, models } = twoConnections(codec);
    const bad = models.share({ a: { b: () => 1 } });
    const good = models.share({ a: 1 });
    one.encoder.item(1, good);
    expect(() => one.encoder.item(1, bad)).toThrow(TypeError);
    one.encoder.item(2, good);
    expect(itemsOf(one.pass())).toEqual([
      [1, good],
      [2, good],
    ]);
  });

  it('sends a run to no more streams than may be listed', () => {
    const { one, models } = twoConnections(codec);
    const item = models.share({ a: 1 });
    const streams = Array.from({ length: 600 }, (_, i) => i + 1);
    for (const stream of streams) one.encoder.item(stream, item);
    expect(itemsOf(one.pass())).toEqual(streams.map((stream) => [stream, item]));
  });
}

/** What can't be compared cheaply, or hides something: an item with it, and what changes that. */
const UNSHAREABLE: Record<string, () => { item: object; change: () => void }> = {
  'a map': () => {
    const map = new Map([['a', 1]]);
    return { item: { map }, change: () => map.set('a', 2) };
  },
  'a set': () => {
    const set = new Set([1]);
    return { item: { set }, change: () => set.add(2) };
  },
  bytes: () => {
    const bytes = new Uint8Array([1]);
    return { item: { bytes }, change: () => bytes.fill(2) };
  },
  'a getter': () => {
    let value = 1;
    const item = Object.defineProperty({}, 'value', { get: () => value, enumerable: true });
    return { item, change: () => value++ };
  },
};

/** Two connections of one process, and so of one registry; each has a peer of its own. */
function twoConnections(codec: CodecName) {
  const models = new TestModels(1).add(Point).add(Line);
  const connect = () => new CodecPair({ codec, sender: models });
  return { one: connect(), other: connect(), models };
}

type Items = Record<'a' | 'b' | 'c', object>;

function shareAll(models: TestModels): Items {
  const make = (name: string) => models.share({ name, text: 'x'.repeat(100) });
  return { a: make('a'), b: make('b'), c: make('c') };
}

/** Writes as `1a` says: to stream 1 the item a. */
function writeTo(both: CodecPair, write: string, items: Items): number {
  return both.encoder.item(Number(write[0]), items[write[1] as keyof Items]);
}

function itemsFor(received: readonly Received[], stream: number): unknown[] {
  return itemsOf(received)
    .filter(([of]) => of === stream)
    .map(([, item]) => item);
}

/** A connection that has announced as many names of fields as it may, and one that has not. */
function tooManyNames(codec: CodecName) {
  const fields = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`field${i}`, i]));
  const models = new TestModels(1);
  const classes = Array.from({ length: 70 }, () => class {});
  for (const [i, it] of classes.entries()) models.add(it, `Class${i}`);
  const connect = () => new CodecPair({ codec, sender: models, receiver: models });
  const full = connect();
  const items = classes.map((it) => Object.assign(new it(), fields));
  for (const item of items) full.encoder.item(1, item);
  return { full, fresh: connect(), last: models.share(items.at(-1) as object) };
}
