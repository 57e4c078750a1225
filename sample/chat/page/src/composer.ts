import { element } from './element.js';

/** Where one writes. A draft that was refused stays, with the reason below it. */
export class Composer {
  readonly #form = element('composer', HTMLFormElement);
  readonly #draft = element('draft', HTMLTextAreaElement);
  readonly #error = element('composer-error', HTMLElement);
  readonly #readOnly = element('read-only', HTMLElement);

  /** `send` rejects with a reason for people. */
  constructor(send: (text: string) => Promise<void>) {
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      void this.#submit(send);
    };
    this.#draft.onkeydown = (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    };
  }

  /** Begins anew, in a room where one may write or not. */
  reset(mayPost: boolean): void {
    this.#error.textContent = '';
    this.#form.hidden = !mayPost;
    this.#readOnly.hidden = mayPost;
  }

  async #submit(send: (text: string) => Promise<void>): Promise<void> {
    const text = this.#draft.value;
    if (text.trim() === '') return;
    this.#draft.value = '';
    this.#error.textContent = '';
    try {
      await send(text);
    } catch (error) {
      // Who has begun to write something else meanwhile keeps that.
      if (this.#draft.value === '') this.#draft.value = text;
      this.#error.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
