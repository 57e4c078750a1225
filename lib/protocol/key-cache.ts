/** A key of a map, kept with the one that followed it last time. */
interface CachedKey {
  readonly text: string;
  next: CachedKey | undefined;
}

const SLOTS = 128;

/**
 * Short keys that came before on a connection, so that they needn't be made anew: items of a
 * stream have the same keys in the same order. It holds a bounded number of them.
 */
export class KeyCache {
  /** Made with the first key: most connections of a server receive no map at all. */
  #slots: (CachedKey | undefined)[] | undefined;
  #last: CachedKey | undefined;

  /** The key that these bytes are, if it is kept. */
  find(bytes: Uint8Array, start: number, length: number): string | undefined {
    const expected = this.#last?.next;
    if (expected !== undefined && isEqual(expected.text, bytes, start, length)) {
      this.#last = expected;
      return expected.text;
    }
    const found = this.#slots?.[slotOf(bytes, start, length)];
    if (found === undefined || !isEqual(found.text, bytes, start, length)) return undefined;
    this.#follow(found);
    return found.text;
  }

  /** Keeps a key that was not found; all of it is ASCII. */
  add(text: string, bytes: Uint8Array, start: number): void {
    this.#slots ??= new Array<CachedKey | undefined>(SLOTS).fill(undefined);
    const key: CachedKey = { text: interned(text), next: undefined };
    this.#slots[slotOf(bytes, start, text.length)] = key;
    this.#follow(key);
  }

  #follow(key: CachedKey): void {
    if (this.#last !== undefined) this.#last.next = key;
    this.#last = key;
  }
}

/** The engine's own copy of a key, which it needn't look up when an object gets it. */
function interned(text: string): string {
  return Object.keys({ [text]: undefined })[0] ?? text;
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  for (let i = start, end = start + length; i < end; i++) {
    hash = (hash * 31 + (bytes[i] as number)) | 0;
  }
  return hash & (SLOTS - 1);
}

function isEqual(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
