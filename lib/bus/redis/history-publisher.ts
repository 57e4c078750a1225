import { randomBytes } from 'node:crypto';
import type { ChannelHistory } from '../define-channel.js';
import { KNOWN_FOR_MS } from '../history-driver.js';
import { placeOf } from './history-place.js';
import { HISTORY_PUBLISH } from './history-scripts.js';
import { Outbox, type OutboxOptions } from './outbox.js';
import type { RedisConnections } from './redis-connections.js';
import type { RedisArgument } from './redis-link.js';

/** How many channels a process remembers what it has published on. */
const MAX_CHANNELS = 10_000;

const NOTHING = Buffer.alloc(0);

/** What this process knows of one channel that it publishes on. */
interface Sender {
  history: ChannelHistory;
  /** The position that Redis confirmed last. */
  confirmed: string;
  /** When it did, in ms of `performance.now()`. */
  confirmedAt: number;
  /** The tag of the batch that was sent last. */
  sent: string;
  /** Messages that are gathered, or on their way. */
  pending: number;
}

/**
 * Publishes what one turn of the event loop gathers as one batch. It remembers what Redis has
 * confirmed to it, so that a server which has lost that can be made to say so.
 */
export class HistoryPublisher {
  readonly #connections: RedisConnections;
  readonly #outbox: Outbox;
  readonly #senders = new Map<string, Sender>();

  constructor(connections: RedisConnections, options: Omit<OutboxOptions, 'headerBytes' | 'send'>) {
    this.#connections = connections;
    this.#outbox = new Outbox({
      ...options,
      headerBytes: 0,
      send: (channel, batch, count) => this.#send(channel, batch, count),
    });
  }

  /** @throws what `Outbox.add` throws. */
  publish(channel: string, message: unknown, history: ChannelHistory): Promise<void> {
    const sender = this.#sender(channel, history);
    sender.history = history;
    const sent = this.#outbox.add(channel, message);
    sender.pending += 1;
    return sent;
  }

  flush(): void {
    this.#outbox.flush();
  }

  /** Has Redis look for what it confirmed, and tell everybody where it doesn't find it. */
  verify(): void {
    for (const [channel, sender] of this.#senders) {
      const isKept = performance.now() - sender.confirmedAt < sender.history.ttlMs;
      if (isKept && sender.confirmed !== '') this.#run(channel, sender, NOTHING, 0).catch(() => {});
    }
  }

  async #send(channel: string, batch: Buffer, count: number): Promise<void> {
    const sender = this.#senders.get(channel) as Sender;
    try {
      sender.confirmed = await this.#run(channel, sender, batch, count);
      sender.confirmedAt = performance.now();
    } finally {
      sender.pending -= count;
    }
  }

  async #run(channel: string, sender: Sender, batch: Buffer, count: number): Promise<string> {
    const { stream, tail } = placeOf(this.#connections.prefix, channel);
    const tag = randomBytes(9).toString('base64url');
    const args = this.#arguments(sender, tag, count, batch);
    if (count > 0) sender.sent = tag;
    const reply = await this.#connections.script(HISTORY_PUBLISH, [stream, tail], args);
    return String(reply);
  }

  #arguments(sender: Sender, tag: string, count: number, batch: Buffer): RedisArgument[] {
    const { size, ttlMs } = sender.history;
    const { confirmed, sent } = sender;
    const verb = this.#connections.publishVerb;
    return [verb, size, ttlMs, ttlMs + KNOWN_FOR_MS, confirmed, sent, tag, count, batch];
  }

  /** The channel that was idle for longest is forgotten, unless something of it is on its way. */
  #sender(channel: string, history: ChannelHistory): Sender {
    const sender = this.#senders.get(channel) ?? {
      history,
      confirmed: '',
      confirmedAt: 0,
      sent: '',
      pending: 0,
    };
    if (sender.pending > 0) return sender;
    this.#senders.delete(channel);
    this.#senders.set(channel, sender);
    const [idle = channel, { pending } = sender] = this.#senders.entries().next().value ?? [];
    if (this.#senders.size > MAX_CHANNELS && pending === 0) this.#senders.delete(idle);
    return sender;
  }
}
