import type { RawReceiver, RawSubscription } from './redis-connections.js';
import type { RedisLink } from './redis-link.js';

export interface RawSubscriptionsOptions {
  /** Whether the channels belong to slots of a cluster. */
  readonly sharded: boolean;
  /** How long a channel is kept after it was left, in ms. */
  readonly lingerMs: number;
  /** How long Redis may take to confirm a subscription, in ms. */
  readonly timeoutMs: number;
}

/** Subscriptions asked for with one command; after a reconnect there may be very many. */
const CHANNELS_PER_COMMAND = 500;

/** One channel of Redis, from the first subscription to the end of its lingering. */
interface Entry {
  readonly channel: string;
  /** `undefined` while it lingers. */
  receiver: RawReceiver | undefined;
  state: 'waiting' | 'asked' | 'standing';
  linger: ReturnType<typeof setTimeout> | undefined;
}

/** The channels of Redis that this process is subscribed to at one server, whatever link there is. */
export class RawSubscriptions {
  readonly #options: RawSubscriptionsOptions;
  readonly #entries = new Map<string, Entry>();
  /** Those to be asked for; asking for one that lingers is left until somebody comes back. */
  readonly #waiting = new Set<Entry>();
  #link: RedisLink | undefined;
  #asksSoon: ReturnType<typeof setImmediate> | undefined;

  constructor(options: RawSubscriptionsOptions) {
    this.#options = options;
  }

  subscribe(channel: string, receiver: RawReceiver): RawSubscription {
    const entry = this.#entries.get(channel) ?? this.#add(channel);
    clearTimeout(entry.linger);
    entry.receiver = receiver;
    if (entry.state === 'standing') queueMicrotask(() => stands(entry, receiver));
    else if (entry.state === 'waiting') this.#askSoon(entry);
    return { cancel: () => this.#leave(entry, receiver) };
  }

  /** The connection is there: everything is subscribed to on it. */
  up(link: RedisLink): void {
    this.#link = link;
    this.#ask();
  }

  /** The connection is lost, and with it what nobody waits for. */
  down(reason: string): void {
    this.#link = undefined;
    for (const entry of [...this.#entries.values()]) this.#interrupt(entry, reason);
  }

  message(channel: string, payload: Buffer): void {
    this.#entries.get(channel)?.receiver?.message(payload);
  }

  /** Forgets everything; the link is closed by its owner. */
  close(): void {
    clearImmediate(this.#asksSoon);
    for (const { linger } of this.#entries.values()) clearTimeout(linger);
    this.#entries.clear();
    this.#waiting.clear();
    this.#link = undefined;
  }

  #add(channel: string): Entry {
    const entry: Entry = { channel, receiver: undefined, state: 'waiting', linger: undefined };
    this.#entries.set(channel, entry);
    return entry;
  }

  #leave(entry: Entry, receiver: RawReceiver): void {
    if (entry.receiver !== receiver) return;
    entry.receiver = undefined;
    entry.linger = setTimeout(() => this.#drop(entry), this.#options.lingerMs);
    entry.linger.unref();
  }

  #drop(entry: Entry): void {
    if (this.#entries.get(entry.channel) !== entry) return;
    this.#entries.delete(entry.channel);
    this.#waiting.delete(entry);
    if (entry.state !== 'waiting') this.#link?.unsubscribe([entry.channel], this.#options.sharded);
  }

  #interrupt(entry: Entry, reason: string): void {
    const stood = entry.state === 'standing';
    entry.state = 'waiting';
    if (entry.receiver === undefined) {
      clearTimeout(entry.linger);
      return this.#drop(entry);
    }
    this.#waiting.add(entry);
    if (stood) entry.receiver.interrupted(reason);
  }

  /** What one turn subscribes to is asked for together. */
  #askSoon(entry: Entry): void {
    this.#waiting.add(entry);
    this.#asksSoon ??= setImmediate(() => this.#ask());
  }

  #ask(): void {
    this.#asksSoon = undefined;
    const link = this.#link;
    if (link === undefined) return;
    const waiting = [...this.#waiting].filter(({ receiver }) => receiver !== undefined);
    this.#waiting.clear();
    // A cluster takes channels of several slots in one command for a mistake.
    const count = this.#options.sharded ? 1 : CHANNELS_PER_COMMAND;
    for (let i = 0; i < waiting.length; i += count) {
      this.#askFor(link, waiting.slice(i, i + count));
    }
  }

  #askFor(link: RedisLink, entries: readonly Entry[]): void {
    for (const entry of entries) entry.state = 'asked';
    const { sharded, timeoutMs } = this.#options;
    const channels = entries.map(({ channel }) => channel);
    link.subscribe(channels, sharded, timeoutMs).then(
      () => this.#confirm(link, entries),
      (error: Error) => this.#refused(link, entries, error),
    );
  }

  #confirm(link: RedisLink, entries: readonly Entry[]): void {
    if (link !== this.#link) return;
    for (const entry of entries) {
      if (entry.state !== 'asked') continue;
      entry.state = 'standing';
      entry.receiver?.stands();
    }
  }

  /** A permission is missing for one channel of many, or else the server is in no state to serve. */
  #refused(link: RedisLink, entries: readonly Entry[], error: Error): void {
    if (link !== this.#link) return;
    if (!error.message.startsWith('NOPERM')) return link.close(error.message);
    for (const entry of entries) {
      if (entries.length > 1) this.#askFor(link, [entry]);
      else this.#fail(entry, error);
    }
  }

  #fail(entry: Entry, error: Error): void {
    clearTimeout(entry.linger);
    if (this.#entries.get(entry.channel) === entry) this.#entries.delete(entry.channel);
    const { receiver } = entry;
    entry.receiver = undefined;
    receiver?.failed(error);
  }
}

/** Later than the subscription was made: by then the channel may have been left or lost. */
function stands(entry: Entry, receiver: RawReceiver): void {
  if (entry.receiver === receiver && entry.state === 'standing') receiver.stands();
}
