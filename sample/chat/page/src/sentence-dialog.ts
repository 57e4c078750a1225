import { type Person, Sentence } from '../../src/rooms/room.models.js';
import { element } from './element.js';
import type { Measure } from './members-view.js';

const WORDS: Readonly<Record<Measure, readonly [verb: string, consequence: string]>> = {
  mute: ['Mute', 'For five minutes they read along and write nothing.'],
  throwOut: ['Throw out', 'They leave the room at once, for ten minutes, and see your reason.'],
};

/** Asks a moderator for a reason. */
export class SentenceDialog {
  readonly #dialog = element('sentence', HTMLDialogElement);
  readonly #form = element('sentence-form', HTMLFormElement);
  readonly #reason = element('reason', HTMLInputElement);
  readonly #error = element('sentence-error', HTMLElement);

  constructor() {
    element('cancel-sentence', HTMLButtonElement).onclick = () => this.#dialog.close();
  }

  /** Asks, and hands over what was said; `pass` rejects with a reason for people. */
  ask(measure: Measure, person: Person, pass: (sentence: Sentence) => Promise<void>): void {
    const [verb, consequence] = WORDS[measure];
    element('sentence-title', HTMLElement).textContent = `${verb}: ${person.name}`;
    element('sentence-detail', HTMLElement).textContent = consequence;
    element('pass-sentence', HTMLButtonElement).textContent = verb;
    this.#form.reset();
    this.#error.textContent = '';
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      void this.#pass(() => pass(Sentence.of(person.id, this.#reason.value.trim())));
    };
    this.#dialog.showModal();
    this.#reason.focus();
  }

  close(): void {
    this.#dialog.close();
  }

  async #pass(pass: () => Promise<void>): Promise<void> {
    try {
      await pass();
      this.#dialog.close();
    } catch (error) {
      this.#error.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
