/** What fills memory: items of 16 KiB, each with a text of its own. */
const CHARACTERS = 16 * 1024;

export function makeLargeItem(id) {
  return { id, text: `item ${id} `.padEnd(CHARACTERS, '.') };
}

/** A stream of large items, read one by one; an item that is missing or out of order throws. */
export class LargeItems {
  #items;
  #next = 0;

  constructor(stream) {
    this.#items = stream[Symbol.asyncIterator]();
  }

  /** Reads `count` items, or as many as there are; tells how many were read from the start on. */
  async read(count = Number.POSITIVE_INFINITY) {
    for (const last = this.#next + count; this.#next < last; this.#next++) {
      const { value, done } = await this.#items.next();
      if (done) break;
      check(value, this.#next);
    }
    return this.#next;
  }
}

function check({ id, text }, expected) {
  if (id !== expected || text.length !== CHARACTERS || !text.startsWith(`item ${expected} `)) {
    throw new Error(`expected large item ${expected}, got ${id}, ${text.slice(0, 16)}`);
  }
}
