import { checkUpdate } from './update.mjs';

/** Waits until every stream has its next message; a wrong one fails the wait. */
export class Tally {
  #streams;
  #missing = 0;
  #resolve;
  #reject;

  constructor(streams) {
    this.#streams = streams;
  }

  /** Resolves when each stream has had one more message. */
  all() {
    this.#missing = this.#streams;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  failed(error) {
    this.#reject?.(error);
  }

  received(update, id) {
    try {
      checkUpdate(update, id);
    } catch (error) {
      this.failed(error);
    }
    if (--this.#missing === 0) this.#resolve();
  }
}
