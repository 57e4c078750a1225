import type { DeviceDto } from '../../src/auth/auth.dto.js';
import type { Account } from './account.js';
import { toClock } from './conversation-view.js';
import { element, make, makeButton } from './element.js';

/** Where one is signed in, with a way to end it. */
export class DevicesDialog {
  readonly #dialog = element('devices', HTMLDialogElement);
  readonly #list = element('device-list', HTMLUListElement);
  readonly #error = element('devices-error', HTMLElement);
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  async open(): Promise<void> {
    this.#list.replaceChildren();
    this.#dialog.showModal();
    await this.#attempt(() => this.#load());
  }

  close(): void {
    this.#dialog.close();
  }

  async #load(): Promise<void> {
    const devices = await this.#account.devices();
    this.#list.replaceChildren(...devices.map((device) => this.#item(device)));
  }

  #item({ id, name, since, isThis }: DeviceDto): HTMLLIElement {
    const at = new Date(since);
    const shown = make('strong', 'name', name);
    if (isThis) shown.append(make('span', 'badge', 'this one'));
    const day = at.toLocaleDateString([], { day: 'numeric', month: 'short' });
    const when = make('span', 'muted', `signed in ${day}, ${toClock(at)}`);
    const item = make('li', '', make('span', '', shown, when));
    if (!isThis) {
      const button = makeButton('Log out', `Log out: ${name}`, () => {
        button.disabled = true;
        void this.#attempt(() => this.#logOut(id));
      });
      item.append(button);
    }
    return item;
  }

  async #logOut(id: string): Promise<void> {
    await this.#account.logOutDevice(id);
    await this.#load();
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.#error.textContent = '';
    try {
      await act();
    } catch (error) {
      this.#error.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
