import type { Redis } from 'ioredis';
import { BusUnavailableError } from '../bus-error.js';
import { NotSentError } from './not-sent-error.js';

/** What a command is made of, after its name. */
export type RedisArgument = string | Buffer | number;

/** What a link tells its owner. None of its members throws. */
export interface LinkListener {
  /** A message of a channel that this link subscribed to. */
  message(channel: string, payload: Buffer): void;
  /** The link is over, for a reason that people can read. Called once, and last. */
  closed(reason: string): void;
}

interface Pending {
  readonly overdueAt: number;
  reject(error: Error): void;
}

/** How often commands are looked through for those whose time is over. */
const SWEEP_MS = 50;

/**
 * One connection to one Redis server, from its opening to its end: it never reconnects, and what
 * was not answered by then is rejected, not sent again. ioredis's own reconnecting is not used, since
 * a connection that comes back by itself hides what was lost in between.
 */
export class RedisLink {
  readonly #redis: Redis;
  readonly #listener: LinkListener;
  readonly #pending = new Set<Pending>();
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #heardAt = 0;
  #onOpened = () => {};
  #onFailed: (error: Error) => void = () => {};
  #sweep: ReturnType<typeof setTimeout> | undefined;

  /** Takes an instance that nobody else uses, connected or not; the link closes it. */
  constructor(redis: Redis, listener: LinkListener) {
    this.#redis = redis;
    this.#listener = listener;
    // What ioredis reports without closing the connection has left it in disorder.
    redis.on('error', (error: Error) => this.close(error.message));
    redis.on('close', () => this.close('the connection was closed'));
    redis.on('end', () => this.close('the connection ended'));
    redis.on('moved', () => this.close('the cluster moved a slot'));
    redis.on('messageBuffer', this.#take);
    redis.on('smessageBuffer', this.#take);
  }

  /** When the server last said anything, in ms of `performance.now()`; 0 for never. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** A stream that has ended is found out a moment before it is told. */
  get #isWritable(): boolean {
    return this.#state === 'open' && this.#redis.stream.writable;
  }

  /** Resolves when commands may be sent. Rejects, and the link is closed, when that takes longer. */
  open(timeoutMs: number): Promise<void> {
    const redis = this.#redis;
    const timer = setTimeout(() => this.close(`no answer within ${timeoutMs} ms`), timeoutMs);
    return new Promise((resolve, reject) => {
      this.#onOpened = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#onFailed = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      redis.once('ready', () => this.#opened());
      if (redis.status === 'ready') this.#opened();
      else if (redis.status === 'wait') redis.connect().catch(({ message }) => this.close(message));
    });
  }

  /**
   * Sends a command at once; the order of calls is the order at the server. Resolves with the reply,
   * strings as Buffers. Rejects with the server's error when it refuses the command, with a
   * `NotSentError` when the link is over, with a `BusUnavailableError` when it ends before the answer
   * or `timeoutMs` have passed: nobody knows then whether the command was executed.
   */
  send(name: string, args: readonly RedisArgument[], timeoutMs: number): Promise<unknown> {
    if (!this.#isWritable) return Promise.reject(notConnected());
    return this.#await(this.#redis.callBuffer(name, args as RedisArgument[]), timeoutMs);
  }

  subscribe(channels: readonly string[], sharded: boolean, timeoutMs: number): Promise<unknown> {
    if (!this.#isWritable) return Promise.reject(notConnected());
    const redis = this.#redis;
    const asked = sharded ? redis.ssubscribe(...channels) : redis.subscribe(...channels);
    return this.#await(asked, timeoutMs);
  }

  unsubscribe(channels: readonly string[], sharded: boolean): void {
    if (!this.#isWritable) return;
    const redis = this.#redis;
    const asked = sharded ? redis.sunsubscribe(...channels) : redis.unsubscribe(...channels);
    asked.catch(() => {});
  }

  /** Ends the link at once, whatever is under way. A second time it does nothing. */
  close(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#sweep);
    this.#redis.off('messageBuffer', this.#take);
    this.#redis.off('smessageBuffer', this.#take);
    this.#redis.disconnect();
    // A server that is not there any more never answers the end of the stream.
    this.#redis.stream?.destroy();
    const error = unavailable(`is not reachable: ${reason}`);
    this.#onFailed(error);
    for (const { reject } of this.#pending) reject(error);
    this.#pending.clear();
    this.#listener.closed(reason);
  }

  readonly #take = (channel: Buffer, payload: Buffer): void => {
    this.#heardAt = performance.now();
    this.#listener.message(channel.toString(), payload);
  };

  #opened(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#heardAt = performance.now();
    this.#onOpened();
  }

  #await(reply: Promise<unknown>, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const pending = { overdueAt: performance.now() + timeoutMs, reject };
      this.#pending.add(pending);
      this.#sweep ??= setTimeout(this.#sweepOnce, SWEEP_MS);
      reply.then(
        (value) => {
          this.#answered(pending);
          resolve(value);
        },
        (error: Error) => {
          this.#pending.delete(pending);
          if (isReply(error)) this.#answered(pending);
          reject(isReply(error) ? error : unavailable(`is not reachable: ${error.message}`));
        },
      );
    });
  }

  #answered(pending: Pending): void {
    this.#heardAt = performance.now();
    this.#pending.delete(pending);
  }

  /** One timer for all: it runs while there is something to wait for. */
  readonly #sweepOnce = (): void => {
    const now = performance.now();
    const isOverdue = [...this.#pending].some(({ overdueAt }) => overdueAt <= now);
    // Behind one more turn of the loop: where the process was held up, answers wait to be read.
    this.#sweep = isOverdue
      ? setTimeout(this.#sweepOverdue, 1, now)
      : this.#pending.size > 0
        ? setTimeout(this.#sweepOnce, SWEEP_MS)
        : undefined;
  };

  readonly #sweepOverdue = (at: number): void => {
    for (const pending of this.#pending) {
      if (pending.overdueAt > at) continue;
      this.#pending.delete(pending);
      pending.reject(unavailable('did not answer in time'));
    }
    this.#sweepOnce();
  };
}

/** What the server said, and not ioredis of a connection that is about to close. */
function isReply(error: Error): boolean {
  return error.name === 'ReplyError';
}

export function notConnected(): NotSentError {
  return new NotSentError('Redis is not connected.');
}

function unavailable(what: string): BusUnavailableError {
  return new BusUnavailableError(`Redis ${what}.`);
}
