const SMALLEST_RING = 8;

/** First in, first out, without moving what waits. It grows by doubling; its user bounds it. */
export class Ring<E> {
  // The length is a power of two, so that an index wraps with a mask.
  #slots: (E | undefined)[] = [];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: E): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = entry;
    this.#size += 1;
  }

  /** Only while `size` is above 0. */
  shift(): E {
    const entry = this.#slots[this.#head] as E;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    return entry;
  }

  clear(): void {
    this.#slots = [];
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    const length = Math.max(SMALLEST_RING, this.#slots.length * 2);
    const slots = new Array<E | undefined>(length).fill(undefined);
    for (let i = 0; i < this.#size; i += 1)
      slots[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
