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

/**
 * Items that several streams of a connection may be sent in one turn, kept back until it is known
 * which. A stream joins an item that stands here already, as long as nothing of its own stands
 * behind that; so every stream keeps its order, whichever way its siblings take turns with it.
 */
export class SharedRuns<Item> {
  // Most messages hold one item, and a thousand connections have one each: it stands here without
  // an object around it. The others stand in lists.
  #count = 0;
  #firstItem: Item | undefined;
  #firstTarget: RunTarget = NONE;
  #items: Item[] | undefined;
  #targets: RunTarget[] | undefined;
  /** The only stream so far. */
  #single = NONE;
  /** Where each stream's last item stands, once there are two; counted from the first message on. */
  #places: Map<number, number> | undefined;
  #passed = 0;

  /** The only item that stands here; `undefined` where there are none, or more. */
  get only(): Item | undefined {
    return this.#count === 1 ? this.#firstItem : undefined;
  }

  /** The streams of the first item that stands here. */
  get firstTarget(): RunTarget {
    return this.#firstTarget;
  }

  /** Takes an item for a stream; tells whether it stood here already. */
  add(stream: number, item: Item): boolean {
    if (this.#count === 0) this.#single = stream;
    const place = this.#single === stream ? this.#count : this.#placeFor(stream, item);
    if (place < this.#count) {
      this.#setTarget(place, joined(this.#targetAt(place), stream));
      return true;
    }
    this.#count++;
    if (place === 0) this.#firstItem = item;
    else this.#push(item);
    this.#setTarget(place, stream);
    return false;
  }

  /** Hands over what stands here, in order. */
  drain(write: (target: RunTarget, item: Item) => void): void {
    for (let place = 0; place < this.#count; place++) {
      write(this.#targetAt(place), this.#itemAt(place));
    }
    this.clear();
  }

  /** Forgets what stands here. */
  clear(): void {
    if (this.#count === 0) return;
    this.#passed += this.#count;
    this.#count = 0;
    this.#firstItem = undefined;
    this.#items = undefined;
    this.#targets = undefined;
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
    const end = Math.min(this.#count, first + LOOK_AHEAD);
    for (let place = first; place < end; place++) {
      if (this.#itemAt(place) === item && hasRoom(this.#targetAt(place))) return place;
    }
    return this.#count;
  }

  /** All items so far were those of one stream, of which no note was taken. */
  #placesOfAll(): Map<number, number> {
    this.#places ??= new Map();
    if (this.#single !== NONE) this.#places.set(this.#single, this.#passed + this.#count - 1);
    this.#single = NONE;
    return this.#places;
  }

  #itemAt(place: number): Item {
    return (place === 0 ? this.#firstItem : this.#items?.[place - 1]) as Item;
  }

  #targetAt(place: number): RunTarget {
    return (place === 0 ? this.#firstTarget : this.#targets?.[place - 1]) as RunTarget;
  }

  #push(item: Item): void {
    this.#items ??= [];
    this.#items.push(item);
  }

  #setTarget(place: number, target: RunTarget): void {
    if (place === 0) {
      this.#firstTarget = target;
      return;
    }
    this.#targets ??= [];
    this.#targets[place - 1] = target;
  }
}

function hasRoom(target: RunTarget): boolean {
  return typeof target === 'number' || target.length < MAX_RUN_STREAMS;
}

/** The same list with one more, where there is one already. */
function joined(target: RunTarget, stream: number): RunTarget {
  if (typeof target === 'number') return [target, stream];
  (target as number[]).push(stream);
  return target;
}
