/** A line of one kind is told at most this often, in ms. */
const EVERY_MS = 10_000;

/** Whether a line of a kind is told now: what peers cause takes few lines, however many they are. */
export class Seldom {
  #quietUntil = 0;
  #untold = 0;

  /** What to write behind the line: how many were left out. `undefined` where this one is, too. */
  next(): string | undefined {
    const now = performance.now();
    if (now < this.#quietUntil) {
      this.#untold++;
      return undefined;
    }
    const others =
      this.#untold === 0 ? '' : ` (and ${this.#untold} others since the last such line)`;
    this.#quietUntil = now + EVERY_MS;
    this.#untold = 0;
    return others;
  }
}
