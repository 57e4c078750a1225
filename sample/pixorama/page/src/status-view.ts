import type { ClientStatus } from 'nestjs-streaming/client';

/** What the page says about its connection. */
export type PageStatus = 'connecting' | 'connected' | 'reconnecting';

const WORDS: Readonly<Record<PageStatus, readonly [title: string, detail: string]>> = {
  connecting: ['Connecting', 'Fetching the image.'],
  connected: ['Connected', 'Pixels appear as they are set.'],
  reconnecting: ['Reconnecting', 'The server is away. Trying again.'],
};

/** Tells how the page stands, from the client's status and from whether the image flows. */
export class StatusView {
  readonly #element: HTMLElement;
  readonly #stage: HTMLElement;
  #client: ClientStatus = 'idle';
  #flows = false;
  #hasFlown = false;

  constructor(element: HTMLElement, stage: HTMLElement) {
    this.#element = element;
    this.#stage = stage;
  }

  get status(): PageStatus {
    if (this.#flows && this.#client === 'connected') return 'connected';
    return this.#hasFlown ? 'reconnecting' : 'connecting';
  }

  clientIs(status: ClientStatus): void {
    this.#client = status;
    this.#render();
  }

  imageFlows(flows: boolean): void {
    this.#flows = flows;
    this.#hasFlown ||= flows;
    this.#render();
  }

  /** Says why something drawn here was taken back. */
  refused(reason: string): void {
    this.#say('Not accepted', reason);
  }

  #render(): void {
    this.#element.dataset['status'] = this.status;
    this.#stage.dataset['status'] = this.status;
    this.#say(...WORDS[this.status]);
  }

  #say(title: string, detail: string): void {
    const [strong, span] = this.#element.children;
    if (strong?.textContent !== title) strong?.replaceChildren(title);
    if (span?.textContent !== detail) span?.replaceChildren(detail);
  }
}
