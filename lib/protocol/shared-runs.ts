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

interface Entry<Item> {
  readonly item: Item;
  target: number | number[];
}

/**
 * Items that several streams of a connection may be sent in one turn, kept back until it is known
 * which. A stream joins an item that stands here already, as long as nothing of its own stands
 * behind that; so every stream keeps its order, whichever way its siblings take turns with it.
 */
export class SharedRuns<Item> {
  // Most messages hold one: a list of it for each of a thousand connections is felt.
  #first: Entry<Item> | undefined;
  #rest: Entry<Item>[] = [];
  /** The only stream so far. */
  #single = NONE;
  /** Where each stream's last item stands, once there are two; counted from the first message on. */
  #places: Map<number, number> | undefined;
  #passed = 0;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** The only item that stands here; `undefined` where there are none, or more. */
  get only(): Item | undefined {
    return this.#rest.length === 0 ? this.#first?.item : undefined;
  }

  /** The streams of the first item that stands here. */
  get firstTarget(): RunTarget {
    return this.#first?.target ?? NONE;
  }

  /** Takes an item for a stream; tells whether it stood here already. */
  add(stream: number, item: Item): boolean {
    if (this.#first === undefined) {
      this.#first = { item, target: stream };
      this.#single = stream;
      return false;
    }
    const found = this.#single === stream ? undefined : this.#find(stream, item);
    if (found === undefined) this.#rest.push({ item, target: stream });
    else if (typeof found.target === 'number') found.target = [found.target, stream];
    else found.target.push(stream);
    return found !== undefined;
  }

  /** Hands over what stands here, in order. */
  drain(write: (target: RunTarget, item: Item) => void): void {
    if (this.#first !== undefined) write(this.#first.target, this.#first.item);
    for (const { target, item } of this.#rest) write(target, item);
    this.clear();
  }

  /** Forgets what stands here. */
  clear(): void {
    if (this.#first === undefined) return;
    this.#passed += this.#count;
    this.#first = undefined;
    if (this.#rest.length > 0) this.#rest = [];
    if (this.#places !== undefined && this.#places.size > KEPT) this.#places.clear();
  }

  get #count(): number {
    return this.#first === undefined ? 0 : this.#rest.length + 1;
  }

  /** The item, where the stream may join it; and notes where the stream's last one stands now. */
  #find(stream: number, item: Item): Entry<Item> | undefined {
    const places = this.#placesOfAll();
    const last = (places.get(stream) ?? -1) - this.#passed;
    const end = Math.min(this.#count, Math.max(0, last + 1) + LOOK_AHEAD);
    for (let place = Math.max(0, last + 1); place < end; place++) {
      const entry = (place === 0 ? this.#first : this.#rest[place - 1]) as Entry<Item>;
      if (entry.item !== item || !hasRoom(entry.target)) continue;
      places.set(stream, this.#passed + place);
      return entry;
    }
    places.set(stream, this.#passed + this.#count);
    return undefined;
  }

  /** All items so far were those of one stream, of which no note was taken. */
  #placesOfAll(): Map<number, number> {
    this.#places ??= new Map();
    if (this.#single !== NONE) this.#places.set(this.#single, this.#passed + this.#count - 1);
    this.#single = NONE;
    return this.#places;
  }
}

function hasRoom(target: RunTarget): boolean {
  return typeof target === 'number' || target.length < MAX_RUN_STREAMS;
}
