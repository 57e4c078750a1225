import type { Author } from './board.js';

/** Counts the pixels set since the page was opened. */
export class Tally {
  readonly #shown: Readonly<Record<Author, HTMLElement>>;
  readonly #counts: Record<Author, number> = { you: 0, others: 0 };

  constructor(you: HTMLElement, others: HTMLElement) {
    this.#shown = { you, others };
  }

  count(author: Author): void {
    this.#counts[author]++;
    this.#shown[author].textContent = this.#counts[author].toLocaleString();
  }
}
