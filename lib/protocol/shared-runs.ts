/** How many streams one run may be for (PROTOCOL.md, section 9). */
export const MAX_RUN_STREAMS = 256;

/** How far ahead an item is looked for that stands there already. */
const LOOK_AHEAD = 64;

/** How many streams are remembered from one message to the next. */
const KEPT = 256;

const NONE = 0;

/** The stream a run is for, or the streams of one connection. */
export type RunTarget = number | readonly number[];

export function isSameTarget(one: RunTarget, other: RunTarget): boolean {
  if (typeof one === 'number' || typeof other === 'number') return one === other;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** Whether one more stream may be told of by adding it to a list, without a look at who is there. */
export function isNext(stream: number, target: RunTarget): boolean {
  if (typeof target === 'number') return stream > target;
  return target.length < MAX_RUN_STREAMS && stream > (target[target.length - 1] as number);
}

/**
 * Items that several streams of a connection may be sent in one turn, kept back until it is known
 * which. A stream joins an item that stands here already, as long as nothing of its own stands
 * behind that; so every stream keeps its order, whichever way its siblings take turns with it.
 */
export class SharedRuns<Item> {
  #items: Item[] = [];
  #targets: RunTarget[] = [];
  /** The only stream so far. */
  #single = NONE;
  /** Where each stream's last item stands, once there are two; counted from the first message on. */
  #places: Map<number, number> | undefined;
  #passed = 0;

  /** Whether nothing stands here. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Takes an item for a stream; tells whether it stood here already. */
  add(stream: number, item: Item): boolean {
    if (this.isEmpty) this.#single = stream;
    const place = this.#single === stream ? this.#items.length : this.#placeFor(stream, item);
    const target = this.#targets[place];
    this.#targets[place] = target === undefined ? stream : joined(target, stream);
    if (target === undefined) this.#items.push(item);
    return target !== undefined;
  }

  /** Hands over what stands here, in order. */
  drain(write: (target: RunTarget, item: Item) => void): void {
    if (this.isEmpty) return;
    for (const [place, item] of this.#items.entries()) {
      write(this.#targets[place] as RunTarget, item);
    }
    this.#passed += this.#items.length;
    this.#items = [];
    this.#targets = [];
    if (this.#places !== undefined && this.#places.size > KEPT) this.#places.clear();
  }

  /** Where an item is to stand for a stream: where it stands already, or behind all others. */
  #placeFor(stream: number, item: Item): number {
    const places = this.#placesOfAll();
    const place = this.#find(item, (places.get(stream) ?? -1) + 1 - this.#passed);
    places.set(stream, this.#passed + place);
    return place;
  }

  #find(item: Item, start: number): number {
    const first = Math.max(0, start);
    const end = Math.min(this.#items.length, first + LOOK_AHEAD);
    for (let place = first; place < end; place++) {
      if (this.#items[place] === item && hasRoom(this.#targets[place] as RunTarget)) return place;
    }
    return this.#items.length;
  }

  /** All items so far were those of one stream, of which no note was taken. */
  #placesOfAll(): Map<number, number> {
    this.#places ??= new Map();
    if (this.#single !== NONE)
      this.#places.set(this.#single, this.#passed + this.#items.length - 1);
    this.#single = NONE;
    return this.#places;
  }
}

function hasRoom(target: RunTarget): boolean {
  return typeof target === 'number' || target.length < MAX_RUN_STREAMS;
}

/** The same list with one more, where there is one already. */
export function joined(target: RunTarget, stream: number): RunTarget {
  if (typeof target === 'number') return [target, stream];
  (target as number[]).push(stream);
  return target;
}
