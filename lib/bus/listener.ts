import { BusError } from './bus-error.js';
import type { Gap, GapListener } from './gap.js';
import type { PacedMember } from './history-member.js';
import type { MessageCheck } from './message-type.js';
import type { MessageListener } from './subscription.js';
import { callUser } from './user-function.js';

/** What a listener needs to know of its channel, and tells its owner. */
export interface ListenerContext {
  readonly channel: string;
  readonly onGap: GapListener | undefined;
  readonly check: MessageCheck | undefined;
  onError(error: unknown): void;
  /** Runs once, when it will not be called again. */
  onEnd(): void;
}

/** One owner's listener on one channel. */
export class Listener implements PacedMember {
  readonly room = Number.POSITIVE_INFINITY;
  readonly waits = false;
  readonly #fn: MessageListener;
  readonly #context: ListenerContext;
  readonly #onError = (error: unknown): void => this.#context.onError(error);
  #leave: () => void = () => {};
  #over = false;

  constructor(fn: MessageListener, context: ListenerContext) {
    this.#fn = fn;
    this.#context = context;
  }

  /** Called once, with what makes it leave its channel. */
  joined(leave: () => void): void {
    this.#leave = leave;
  }

  remove(): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    this.#context.onEnd();
  }

  receive(message: unknown): void {
    const { check, channel } = this.#context;
    if (check === undefined || check.accepts(message)) callUser(this.#fn, message, this.#onError);
    else this.#onError(new BusError('invalid-argument', check.complaint(channel, message)));
  }

  gap(gap: Gap): boolean {
    const { onGap } = this.#context;
    if (onGap !== undefined && !this.#over) callUser(onGap, gap, this.#onError);
    return onGap !== undefined;
  }

  onRoom(): void {}

  stand(): void {}

  fail(): void {
    this.remove();
  }

  end(): void {
    this.remove();
  }
}
