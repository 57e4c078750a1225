import { randomBytes } from 'node:crypto';
import { BusUnavailableError } from '../bus-error.js';
import type { ChannelHistory } from '../define-channel.js';
import { KNOWN_FOR_MS } from '../history-driver.js';
import { placeOf } from './history-place.js';
import { HISTORY_PUBLISH } from './history-scripts.js';
import { Outbox, type OutboxOptions } from './outbox.js';
import type { RedisConnections } from './redis-connections.js';

/** How many channels a process remembers what it has published on. */
const MAX_CHANNELS = 10_000;

const NOTHING = Buffer.alloc(0);
const NONE = '-';

/** What this process knows of one channel that it publishes on. */
interface Sender {
  history: ChannelHistory;
  /** The position that Redis confirmed last, or gave who asked for what it had confirmed. */
  confirmed: string;
  /** When it confirmed, in ms of `performance.now()`. */
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
      if (isKept && sender.confirmed !== NONE) this.#verify(channel, sender);
    }
  }

  /** What is lost is told once: what Redis has takes its place, unless more was confirmed since. */
  #verify(channel: string, sender: Sender): void {
    const { confirmed } = sender;
    this.#run(channel, sender, NOTHING, 0).then(
      (position) => {
        if (sender.confirmed === confirmed) sender.confirmed = String(position);
      },
      () => {},
    );
  }

  #send(channel: string, batch: Buffer, count: number): Promise<void> {
    const sender = this.#senders.get(channel) as Sender;
    return this.#run(channel, sender, batch, count).then(
      (position) => {
        sender.pending -= count;
        sender.confirmed = String(position);
        sender.confirmedAt = performance.now();
      },
      (error: Error) => {
        sender.pending -= count;
        throw toUnavailable(error);
      },
    );
  }

  #run(channel: string, sender: Sender, batch: Buffer, count: number): Promise<unknown> {
    const { stream, tail } = placeOf(this.#connections.prefix, channel);
    const tag = randomBytes(9).toString('base64url');
    const words = this.#words(sender, tag, count);
    if (count > 0) sender.sent = tag;
    return this.#connections.script(HISTORY_PUBLISH, [stream, tail], [words, batch]);
  }

  #words({ history, confirmed, sent }: Sender, tag: string, count: number): string {
    const { size, ttlMs } = history;
    const times = `${size} ${ttlMs} ${ttlMs + KNOWN_FOR_MS}`;
    return `${this.#connections.publishVerb} ${times} ${confirmed} ${sent} ${tag} ${count}`;
  }

  /** The channel that was idle for longest is forgotten, unless something of it is on its way. */
  #sender(channel: string, history: ChannelHistory): Sender {
    const sender = this.#senders.get(channel) ?? {
      history,
      confirmed: NONE,
      confirmedAt: 0,
      sent: NONE,
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

/** A refusal of ioredis holds the command with all that was to be published: only its words go on. */
function toUnavailable(error: Error): BusUnavailableError {
  if (error instanceof BusUnavailableError) return error;
  return new BusUnavailableError(`Redis refuses the message: ${error.message}`);
}
