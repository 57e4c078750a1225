import { BusError, BusUnavailableError } from '../bus-error.js';
import type { BusHooks } from '../bus-hooks.js';
import type { ChannelHistory } from '../define-channel.js';
import {
  gapAfter,
  type HistoryDriver,
  type HistoryPage,
  type HistoryReceiver,
  type HistoryRecord,
  type HistoryStart,
  type HistorySubscription,
} from '../history-driver.js';
import type { LocalDriver } from '../local-driver.js';
import type { BatchDecoder } from './batch-decoder.js';
import { placeOf } from './history-place.js';
import { numberOf, parsePosition } from './history-position.js';
import { HistoryPublisher } from './history-publisher.js';
import { type HistoryBatch, HistoryRecords } from './history-records.js';
import { HISTORY_READ } from './history-scripts.js';
import { LiveHistory } from './history-subscription.js';
import type { OutboxOptions } from './outbox.js';
import type { RedisConnections } from './redis-connections.js';
import { REFUSAL } from './redis-refusal.js';

/** What the histories share with the rest of the driver. */
export interface RedisHistoryOptions extends Omit<OutboxOptions, 'headerBytes' | 'send'> {
  readonly connections: RedisConnections;
  readonly decoder: BatchDecoder;
  readonly local: LocalDriver;
  readonly hooks: BusHooks;
  /** @throws TypeError for a name that can't be one at Redis. */
  checkName(channel: string): void;
}

/** A page is full with so many bytes, whatever was asked for. */
const PAGE_BYTES = 1_048_576;

/** The channels with history of a driver, at Redis: what they keep survives every process. */
export class RedisHistory implements HistoryDriver {
  readonly #options: RedisHistoryOptions;
  readonly #publisher: HistoryPublisher;
  readonly #records: HistoryRecords;
  readonly #live = new Set<LiveHistory>();
  #isOpen = true;

  constructor(options: RedisHistoryOptions) {
    this.#options = options;
    this.#publisher = new HistoryPublisher(options.connections, options);
    this.#records = new HistoryRecords(options.decoder, (channel, problem) =>
      options.hooks.badMessage?.(channel, problem),
    );
  }

  publish(channel: string, message: unknown, history: ChannelHistory): Promise<void> {
    try {
      this.#options.checkName(channel);
      return this.#publisher.publish(channel, message, history);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  subscribe(
    channel: string,
    _history: ChannelHistory,
    receiver: HistoryReceiver,
  ): HistorySubscription {
    const live = new LiveHistory(channel, receiver, {
      records: (name, batch) => this.#records.of(name, batch),
      bad: (name, problem) => this.#options.hooks.badMessage?.(name, problem),
      inTurn: (deliver) => this.#options.local.inTurn(deliver),
      ended: (it) => this.#live.delete(it),
    });
    this.#live.add(live);
    this.#connect(channel, live);
    return live;
  }

  async read(
    channel: string,
    { size, ttlMs }: ChannelHistory,
    from: HistoryStart,
    limit: number,
  ): Promise<HistoryPage> {
    const { connections } = this.#options;
    const { stream, tail } = placeOf(connections.prefix, channel);
    const args = [...toArguments(from), limit, PAGE_BYTES, size, ttlMs];
    const reply = await connections
      .script(HISTORY_READ, [stream, tail], args)
      .catch((error: Error) => Promise.reject(toBusError(channel, error)));
    const [now, last, hasOlder, entries] = reply as [Buffer, Buffer, number, Buffer[][]];
    const batches = entries.map(toBatch);
    const records = this.#recordsAfter(
      channel,
      from,
      batches,
      numberOf(String(last)) - size,
      limit,
    );
    const found = { records, last: String(last) };
    return { ...found, gap: gapBefore(from, found, hasOlder === 1, Number(now)) };
  }

  /** The connection is new: whether it leads to a server that has everything, is to be seen. */
  connected(): void {
    this.#publisher.verify();
  }

  flush(): void {
    this.#publisher.flush();
  }

  /** Lets the subscriptions go; what was published is still sent by `flush`. */
  close(error: BusUnavailableError): void {
    this.#isOpen = false;
    for (const live of [...this.#live]) live.fail(error);
  }

  #connect(channel: string, live: LiveHistory): void {
    const { connections } = this.#options;
    if (!this.#isOpen) return live.fail(new BusUnavailableError('The message bus is closed.'));
    try {
      this.#options.checkName(channel);
    } catch (error) {
      return live.fail(error as Error);
    }
    live.connect(connections.subscribe(placeOf(connections.prefix, channel).stream, live));
  }

  /** Of the first batch only what comes after the position, or is not too much to be kept. */
  #recordsAfter(
    channel: string,
    from: HistoryStart,
    batches: readonly HistoryBatch[],
    dropped: number,
    limit: number,
  ): HistoryRecord[] {
    const after =
      typeof from === 'object' && 'after' in from ? parsePosition(from.after) : undefined;
    const records: HistoryRecord[] = [];
    for (const batch of batches) {
      if (records.length >= limit) break;
      const isSame = after !== undefined && parsePosition(batch.position)?.tag === after.tag;
      const least = Math.max(dropped, isSame ? after.number : 0);
      records.push(...this.#records.of(channel, batch, least, limit - records.length));
    }
    return records;
  }
}

/**
 * Where the key is another's, or not permitted, or the server too old, reading again is in vain.
 * Anything else passes: a server that is loading its data, say, or busy, or a replica for a moment.
 */
function toBusError(channel: string, error: Error): BusError {
  if (error instanceof BusUnavailableError) return error;
  const { message } = error;
  return REFUSAL.test(message)
    ? new BusError('unavailable', `The history of "${channel}" can't be read: ${message}`)
    : new BusUnavailableError(`Redis refuses to read a history: ${message}`);
}

function toArguments(from: HistoryStart): [kind: string, from: string | number] {
  if (typeof from === 'string') return [from, 0];
  if ('agoMs' in from) return ['ago', from.agoMs];
  // What never was a position is read from the start, and told to be lost.
  return parsePosition(from.after) === undefined ? ['start', 0] : ['after', from.after];
}

function toBatch([id, tag, previous, bytes]: Buffer[]): HistoryBatch {
  const position = `${id}.${tag}`;
  const count = numberOf(position) - numberOf(String(previous));
  return { position, previous: String(previous), count, bytes: bytes as Buffer, start: 0 };
}

function gapBefore(
  from: HistoryStart,
  { records, last }: HistoryPage,
  hasOlder: boolean,
  now: number,
): HistoryPage['gap'] {
  if (typeof from === 'string') return undefined;
  const reached = records[0]?.previous ?? last;
  if ('after' in from) {
    const wasNever = from.after !== '' && parsePosition(from.after) === undefined;
    return gapAfter(from.after, reached, hasOlder || wasNever);
  }
  const before = parsePosition(reached);
  return before !== undefined && before.ms >= now - from.agoMs ? 'trimmed' : undefined;
}
