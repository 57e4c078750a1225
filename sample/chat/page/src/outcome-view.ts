import type { ThrownOut } from '../../src/rooms/room.exceptions.js';
import { toClock } from './conversation-view.js';
import { element } from './element.js';

/** Says why one isn't in the room any more, in the place of the composer. */
export class OutcomeView {
  readonly #section = element('outcome', HTMLElement);
  readonly #title = element('outcome-title', HTMLElement);
  readonly #reason = element('outcome-reason', HTMLElement);
  readonly #detail = element('outcome-detail', HTMLElement);
  readonly #room = element('room', HTMLElement);

  constructor(onKnock: () => void) {
    element('knock', HTMLButtonElement).onclick = onKnock;
  }

  thrownOut(roomTitle: string, { reason, by, until }: ThrownOut): void {
    this.#title.textContent = `You were thrown out of the ${roomTitle}`;
    this.#reason.textContent = reason;
    this.#detail.textContent = `Said ${by}. You may come back at ${toClock(until)}, or when you are let in again.`;
    this.#room.classList.add('closed');
    this.#section.hidden = false;
  }

  clear(): void {
    this.#room.classList.remove('closed');
    this.#section.hidden = true;
  }
}
