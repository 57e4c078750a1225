import type { Redis } from 'ioredis';
import { RedisLink } from './redis-link.js';

/** What the owner of a kept link hears. None of its members throws. */
export interface KeptLinkListener {
  /** A new connection stands: nothing of the one before is left on it. */
  up(link: RedisLink): void;
  /** It is lost; another attempt follows. */
  down(reason: string): void;
  /** An attempt to connect has failed; another one follows. */
  failed(reason: string): void;
  message(channel: string, payload: Buffer): void;
}

export interface KeptLinkOptions {
  /** Makes an instance that nobody else uses, connected or not. */
  readonly create: () => Redis;
  /** How long an attempt may take, in ms. */
  readonly connectTimeoutMs: number;
  /** The longest wait between two attempts, in ms. */
  readonly maxDelayMs: number;
}

const FIRST_DELAY_MS = 50;
/** A connection that lived no longer than this counts as one more attempt that failed. */
const SETTLED_MS = 1_000;

/** A link that is made anew whenever it is lost, with jitter between the attempts. */
export class KeptLink {
  readonly #options: KeptLinkOptions;
  readonly #listener: KeptLinkListener;
  #attempt: RedisLink | undefined;
  #link: RedisLink | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #upAt = 0;
  #isKept = true;

  constructor(options: KeptLinkOptions, listener: KeptLinkListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** The link that commands can be sent on, where there is one. */
  get link(): RedisLink | undefined {
    return this.#link;
  }

  /** Makes the first attempt. */
  open(): void {
    this.#connect();
  }

  /** Gives the present connection up and makes another. */
  restart(reason: string): void {
    this.#link?.close(reason);
  }

  /** Lets the connection go for good; the listener hears nothing of it. */
  close(): void {
    this.#isKept = false;
    clearTimeout(this.#timer);
    this.#attempt?.close('the bus is closed');
  }

  readonly #connect = (): void => {
    let redis: Redis;
    try {
      redis = this.#options.create();
    } catch (error) {
      return this.#lost(error instanceof Error ? error.message : String(error));
    }
    const attempt = new RedisLink(redis, {
      message: (channel, payload) => this.#listener.message(channel, payload),
      closed: (reason) => this.#lost(reason),
    });
    this.#attempt = attempt;
    attempt.open(this.#options.connectTimeoutMs).then(
      () => this.#opened(attempt),
      () => {},
    );
  };

  #opened(attempt: RedisLink): void {
    if (this.#attempt !== attempt) return;
    this.#link = attempt;
    this.#upAt = performance.now();
    this.#listener.up(attempt);
  }

  #lost(reason: string): void {
    const wasUp = this.#link !== undefined;
    this.#attempt = undefined;
    this.#link = undefined;
    if (!this.#isKept) return;
    if (wasUp && performance.now() - this.#upAt > SETTLED_MS) this.#failures = 0;
    this.#timer = setTimeout(this.#connect, this.#nextDelayMs());
    if (wasUp) this.#listener.down(reason);
    else this.#listener.failed(reason);
  }

  #nextDelayMs(): number {
    const ceilingMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, this.#options.maxDelayMs);
    this.#failures += 1;
    return ceilingMs * (0.5 + Math.random() / 2);
  }
}
