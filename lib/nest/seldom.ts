/** A line of one kind is told at most this often, in ms. */
const EVERY_MS = 10_000;

/** Whether a line of a kind is told now: what peers cause takes few lines, however many they are. */
export class Seldom {
  #quietUntil = 0;
  #untold = 0;

  /**
   * Calls `line` when one is due, with what to write behind it: how many were left out. Returns
   * whether it was.
   */
  tell(line: (others: string) => void): boolean {
    const now = performance.now();
    if (now < this.#quietUntil) {
      this.#untold++;
      return false;
    }
    const others =
      this.#untold === 0 ? '' : ` (and ${this.#untold} others since the last such line)`;
    this.#quietUntil = now + EVERY_MS;
    this.#untold = 0;
    line(others);
    return true;
  }
}
