import type { ClientStatus } from 'nestjs-streaming/client';
import type { AccessToken } from '../../src/auth/auth.dto.js';
import { element } from './element.js';

/** What the page says about its connection. */
export type PageStatus = 'connecting' | 'connected' | 'reconnecting';

const TITLES: Readonly<Record<PageStatus, string>> = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
};

/** Tells how the connection stands, and how old the access token is. */
export class StatusView {
  readonly #status = element('status', HTMLElement);
  readonly #token = element('token', HTMLElement);
  #client: ClientStatus = 'idle';
  #hasConnected = false;
  #count = 0;
  #expiresAt = 0;

  constructor() {
    setInterval(() => this.#renderToken(), 1_000);
    this.#render();
  }

  clientIs(status: ClientStatus): void {
    this.#client = status;
    this.#hasConnected ||= status === 'connected';
    this.#render();
  }

  tokenIs({ expiresInSeconds }: AccessToken): void {
    this.#count += 1;
    this.#expiresAt = Date.now() + expiresInSeconds * 1_000;
    this.#renderToken();
  }

  /** Somebody else begins. */
  reset(): void {
    this.#client = 'idle';
    this.#hasConnected = false;
    this.#count = 0;
    this.#render();
  }

  #render(): void {
    const isConnected = this.#client === 'connected' || this.#client === 'idle';
    const away = this.#hasConnected ? 'reconnecting' : 'connecting';
    const status: PageStatus = this.#hasConnected && isConnected ? 'connected' : away;
    this.#status.dataset['status'] = status;
    const [title, detail] = this.#status.children;
    title?.replaceChildren(TITLES[status]);
    detail?.replaceChildren(`to ${location.host}`);
  }

  #renderToken(): void {
    const seconds = Math.max(0, Math.round((this.#expiresAt - Date.now()) / 1_000));
    this.#token.textContent = `Access token no. ${this.#count}, good for ${seconds} s`;
    this.#token.dataset['count'] = String(this.#count);
  }
}
