import type { CodecLimits } from '../../protocol/codec.js';
import type { ModelPort } from '../../protocol/model-port.js';
import {
  BusDriver,
  type BusStatus,
  type ChannelReceiver,
  type DriverSubscription,
  type Reach,
} from '../bus-driver.js';
import { BusUnavailableError } from '../bus-error.js';
import type { BusHooks } from '../bus-hooks.js';
import { type ClusterLog, type ClusterLogOptions, checkClusterLogOptions } from '../cluster-log.js';
import { LocalDriver } from '../local-driver.js';
import { BatchDecoder } from './batch-decoder.js';
import { createSender, HEADER_BYTES, writeHeader } from './batch-header.js';
import { BatchNumbers } from './batch-order.js';
import { type ChannelContext, EphemeralChannel } from './ephemeral-channel.js';
import { RedisHistory } from './history-store.js';
import { InFlight } from './in-flight.js';
import { NotSentError } from './not-sent-error.js';
import { Outbox } from './outbox.js';
import { RedisClusterLog, type RedisClusterLogContext } from './redis-cluster-log.js';
import type { RedisConnections } from './redis-connections.js';
import type { ResolvedRedisBusOptions } from './redis-options.js';

export interface RedisDriverOptions {
  /** The driver owns and closes them. */
  readonly connections: RedisConnections;
  readonly options: ResolvedRedisBusOptions;
  /** The classes whose instances arrive as instances. */
  readonly models: ModelPort;
  /** What a message may hold. */
  readonly limits: CodecLimits;
  readonly hooks: BusHooks;
}

/**
 * Carries messages through Redis: to every process that is subscribed, this one included, in the
 * order in which Redis got them. A message arrives once or not at all; where some did not arrive, or
 * may not have, the channel's receiver is told.
 */
export class RedisDriver extends BusDriver {
  readonly clustered = true;
  readonly history: RedisHistory;
  readonly #connections: RedisConnections;
  readonly #fallsBack: boolean;
  readonly #local = new LocalDriver();
  readonly #inFlight: InFlight;
  readonly #outbox: Outbox;
  readonly #context: ChannelContext;
  readonly #channels = new Set<EphemeralChannel>();
  readonly #logContext: RedisClusterLogContext;
  readonly #logs = new Set<RedisClusterLog>();
  readonly #sender = createSender();
  readonly #numbers = new BatchNumbers();
  #isOpen = true;

  constructor({ connections, options, models, limits, hooks }: RedisDriverOptions) {
    super();
    const { maxMessageBytes } = options;
    this.#connections = connections;
    this.#fallsBack = options.onUnavailable === 'local';
    this.#inFlight = new InFlight(options.maxInFlightMessages, options.maxInFlightBytes);
    this.#outbox = new Outbox({
      models,
      limits,
      maxMessageBytes,
      headerBytes: HEADER_BYTES,
      inFlight: this.#inFlight,
      send: (channel, batch) => this.#send(channel, batch),
    });
    const decoder = new BatchDecoder(models, limits, maxMessageBytes);
    this.#context = {
      decoder,
      hooks,
      local: this.#local,
      ended: (channel) => this.#channels.delete(channel),
    };
    this.#logContext = {
      connections,
      publishTimeoutMs: options.publishTimeoutMs,
      hooks,
      ended: (log) => this.#logs.delete(log),
    };
    this.history = new RedisHistory({
      connections,
      models,
      limits,
      maxMessageBytes,
      inFlight: this.#inFlight,
      decoder,
      local: this.#local,
      hooks,
      checkName,
    });
  }

  override get status(): BusStatus {
    return this.#connections.status;
  }

  publish(channel: string, message: unknown, reach: Reach): Promise<void> {
    if (reach === 'local') return this.#local.publish(channel, message);
    try {
      return this.#outbox.add(channel, message);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  subscribe(channel: string, receiver: ChannelReceiver): DriverSubscription {
    const subscription = new EphemeralChannel(channel, receiver, this.#context);
    this.#channels.add(subscription);
    if (!this.#isOpen) subscription.fail(new BusUnavailableError('The message bus is closed.'));
    else if (!isNameable(channel)) subscription.fail(unnameable());
    else subscription.connect(this.#connections.subscribe(this.#place(channel), subscription));
    return subscription;
  }

  openLog(options: ClusterLogOptions): ClusterLog {
    checkClusterLogOptions(options);
    const log = new RedisClusterLog(options, this.#logContext);
    this.#logs.add(log);
    if (this.#isOpen) log.open();
    else void log.close();
    return log;
  }

  /** What was published before is still sent; it takes no longer than that may take. */
  async close(): Promise<void> {
    this.#isOpen = false;
    const left = Promise.all([...this.#logs].map((log) => log.close()));
    const closed = new BusUnavailableError('The message bus is closed.');
    for (const channel of [...this.#channels]) channel.fail(closed);
    this.history.close(closed);
    await this.#local.close();
    this.#outbox.flush();
    this.history.flush();
    await Promise.all([left, this.#inFlight.drained()]);
    this.#connections.close();
  }

  #send(channel: string, batch: Buffer): Promise<unknown> {
    if (!isNameable(channel)) return Promise.reject(unnameable());
    writeHeader(batch, { sender: this.#sender, ...this.#numbers.take(channel) });
    const place = this.#place(channel);
    const { publishVerb } = this.#connections;
    return this.#connections.command(place, publishVerb, [place, batch]).catch((error: Error) => {
      if (!this.#fallsBack || !(error instanceof NotSentError)) throw toUnavailable(error);
      this.#deliverHere(channel, batch);
    });
  }

  /** What went to nobody goes to the subscribers of this process at least. */
  #deliverHere(channel: string, batch: Buffer): void {
    this.#context.decoder.decode(batch, HEADER_BYTES, {
      message: (message) => void this.#local.publish(channel, message),
      bad: (problem) => this.#context.hooks.badMessage?.(channel, problem),
    });
  }

  #place(channel: string): string {
    return `${this.#connections.prefix}bus:${channel}`;
  }
}

/** A refusal of ioredis holds the command with all that was to be published: only its words go on. */
function toUnavailable(error: Error): BusUnavailableError {
  if (error instanceof BusUnavailableError) return error;
  return new BusUnavailableError(`Redis refuses the message: ${error.message}`);
}

/** Half a surrogate pair has no bytes: two names would become one. */
function isNameable(channel: string): boolean {
  return !/\p{Surrogate}/u.test(channel);
}

function checkName(channel: string): void {
  if (!isNameable(channel)) throw unnameable();
}

function unnameable(): TypeError {
  return new TypeError('A channel must be well-formed text to be carried by Redis.');
}
