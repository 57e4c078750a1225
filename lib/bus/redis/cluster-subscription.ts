import { hashSlot } from './hash-slot.js';
import type { RawReceiver, RawSubscription } from './redis-connections.js';
import type { RedisServer } from './redis-server.js';

/** A subscription that goes with its slot from server to server. */
export class ClusterSubscription implements RawSubscription {
  readonly slot: number;
  readonly #channel: string;
  readonly #receiver: RawReceiver;
  readonly #onEnd: () => void;
  #server: RedisServer | undefined;
  #raw: RawSubscription | undefined;
  #stands = false;

  constructor(channel: string, receiver: RawReceiver, onEnd: () => void) {
    this.slot = hashSlot(channel);
    this.#channel = channel;
    this.#receiver = receiver;
    this.#onEnd = onEnd;
  }

  /** The slot is there now, or nowhere. */
  moveTo(server: RedisServer | undefined): void {
    if (server === this.#server) return;
    this.#raw?.cancel();
    this.#server = server;
    this.#interrupt('the cluster has moved the slot');
    this.#raw = server?.subscribe(this.#channel, {
      message: (payload) => this.#receiver.message(payload),
      stands: () => this.#stand(),
      interrupted: (reason) => this.#interrupt(reason),
      failed: (error) => {
        this.cancel();
        this.#receiver.failed(error);
      },
    });
  }

  cancel(): void {
    this.#raw?.cancel();
    this.#onEnd();
  }

  #stand(): void {
    this.#stands = true;
    this.#receiver.stands();
  }

  #interrupt(reason: string): void {
    if (!this.#stands) return;
    this.#stands = false;
    this.#receiver.interrupted(reason);
  }
}
