import { makeAvatar } from './avatar.js';
import { element, make } from './element.js';

const GUESTS = [
  { id: 'ada', name: 'Ada', isModerator: true },
  { id: 'ben', name: 'Ben', isModerator: false },
  { id: 'cleo', name: 'Cleo', isModerator: false },
  { id: 'dora', name: 'Dora', isModerator: false },
];

/** Signing in, and why one has to. */
export class LoginView {
  readonly #view = element('login', HTMLElement);
  readonly #form = element('login-form', HTMLFormElement);
  readonly #name = element('name', HTMLInputElement);
  readonly #password = element('password', HTMLInputElement);
  readonly #error = element('login-error', HTMLElement);
  readonly #signedOut = element('signed-out', HTMLElement);

  /** `logIn` rejects with a reason for people. */
  constructor(logIn: (name: string, password: string) => Promise<void>) {
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      void this.#submit(() => logIn(this.#name.value, this.#password.value));
    };
    element('guests', HTMLElement).replaceChildren(
      ...GUESTS.map((guest) => {
        const note = guest.isModerator ? 'moderator' : 'guest';
        const button = make(
          'button',
          'guest',
          makeAvatar(guest),
          guest.name,
          make('small', '', note),
        );
        button.type = 'button';
        button.onclick = () => void this.#submit(() => logIn(guest.id, `${guest.id}-demo`));
        return button;
      }),
    );
  }

  /** Shows the form, and says why it is there. */
  show(why = ''): void {
    this.#form.reset();
    this.#error.textContent = '';
    this.#signedOut.textContent = why;
    this.#signedOut.hidden = why === '';
    this.#view.hidden = false;
  }

  hide(): void {
    this.#view.hidden = true;
  }

  async #submit(logIn: () => Promise<void>): Promise<void> {
    this.#error.textContent = '';
    this.#view.inert = true;
    try {
      await logIn();
    } catch (error) {
      this.#error.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      this.#view.inert = false;
    }
  }
}
