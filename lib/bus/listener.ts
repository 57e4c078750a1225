import type { ChannelMember } from './channel.js';
import type { Channels } from './channels.js';
import type { MessageListener } from './subscription.js';

/** One owner's listener on one channel. `onEnd` runs once, when it will not be called again. */
export class Listener implements ChannelMember {
  readonly #fn: MessageListener;
  readonly #onError: (error: unknown) => void;
  readonly #onEnd: () => void;
  #leave: () => void = () => {};
  #over = false;

  constructor(fn: MessageListener, onError: (error: unknown) => void, onEnd: () => void) {
    this.#fn = fn;
    this.#onError = onError;
    this.#onEnd = onEnd;
  }

  join(channel: string, channels: Channels): void {
    this.#leave = channels.join(channel, this);
  }

  remove(): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    this.#onEnd();
  }

  receive(message: unknown): void {
    const fn = this.#fn;
    try {
      const result = fn(message);
      // A rejection that nobody handles would end the process.
      if (isThenable(result)) Promise.resolve(result).catch(this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }

  stand(): void {}

  fail(): void {
    this.remove();
  }

  end(): void {
    this.remove();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
