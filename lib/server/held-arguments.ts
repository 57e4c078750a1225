import type { InboundMessage } from '../protocol/intake.js';

/** Messages below this are not worth a thought: those of all calls are small beside the bound. */
const SMALL_BYTES = 4096;

/**
 * How much a connection's calls hold as their arguments, by what the messages were long that brought
 * them: a handler has its arguments for as long as it runs, and they may take ten times that. A
 * message counts until the last of its calls has settled.
 */
export class HeldArguments {
  readonly #most: number;
  readonly #messages = new Map<number, InboundMessage>();
  /** How many calls of a message hold their arguments. */
  readonly #holders = new Map<InboundMessage, number>();
  #bytes = 0;

  /** `most` is the bound in bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A call of a message is to hold its arguments. False when that would be too much. */
  hold(call: number, message: InboundMessage): boolean {
    if (message.bytes < SMALL_BYTES) return true;
    const holders = this.#holders.get(message) ?? 0;
    if (holders === 0) {
      if (this.#bytes + message.bytes > this.#most) return false;
      this.#bytes += message.bytes;
    }
    this.#holders.set(message, holders + 1);
    this.#messages.set(call, message);
    return true;
  }

  /** A call has settled. */
  release(call: number): void {
    const message = this.#messages.get(call);
    if (message === undefined) return;
    this.#messages.delete(call);
    const holders = (this.#holders.get(message) ?? 1) - 1;
    if (holders > 0) return void this.#holders.set(message, holders);
    this.#holders.delete(message);
    this.#bytes -= message.bytes;
  }
}
