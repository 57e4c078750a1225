import type { BusDriver, Reach } from './bus-driver.js';
import { BusUnavailableError } from './bus-error.js';
import type { BusHooks } from './bus-hooks.js';
import { type ChannelMember, LocalChannel, type ShareMessage } from './channel.js';
import {
  type ChannelDefinition,
  type ChannelHistory,
  ChannelTypes,
  toDefinition,
} from './define-channel.js';
import type { HistoryStart } from './history-driver.js';
import { HistoryFeed } from './history-feed.js';
import { HistoryMember, type PacedMember } from './history-member.js';
import type { MessageScope } from './subscription.js';

/** A channel with somebody on it, in this process. */
interface Joined {
  readonly local: LocalChannel;
  readonly history: ChannelHistory | undefined;
  readonly feed: HistoryFeed | undefined;
}

/** The channels this process takes part in, over one driver: what every view of the bus shares. */
export class Channels {
  readonly hooks: BusHooks;
  readonly #types = new ChannelTypes();
  readonly #driver: BusDriver;
  readonly #share: ShareMessage | undefined;
  readonly #channels = new Map<string, Joined>();
  #open = true;

  constructor(driver: BusDriver, hooks: BusHooks, share?: ShareMessage) {
    this.#driver = driver;
    this.#share = share;
    this.hooks = hooks;
  }

  publish(
    channel: string | ChannelDefinition,
    message: unknown,
    scope: MessageScope,
  ): Promise<void> {
    const sent = this.#try(channel, message, scope);
    // Many publish and don't wait: a Redis that is away must not end the process of those.
    sent.catch((error: unknown) => this.hooks.publishFailed?.(nameOf(channel), error));
    return sent;
  }

  /** @throws TypeError when the channel is in use in this process, and with another history. */
  check(channel: ChannelDefinition): void {
    const joined = this.#channels.get(channel.name);
    if (joined !== undefined) checkSame(channel, joined);
  }

  /**
   * Lets a member take part, at once, and returns what makes it leave. A closed bus ends it. The
   * channel was checked before.
   */
  join(channel: ChannelDefinition, member: PacedMember, since?: HistoryStart): () => void {
    if (!this.#open) {
      member.end();
      return () => {};
    }
    const joined = this.#channels.get(channel.name) ?? this.#connect(channel);
    if (joined.feed === undefined) return enter(joined.local, member);
    const { hooks } = this;
    const membership = { channel: channel.name, feed: joined.feed, hooks, since };
    const paced = new HistoryMember(member, membership);
    const leave = enter(joined.local, paced);
    return () => {
      paced.close();
      leave();
    };
  }

  count(name: string): number {
    return this.#channels.get(name)?.local.size ?? 0;
  }

  countAll(): number {
    let count = 0;
    for (const { local } of this.#channels.values()) count += local.size;
    return count;
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const { local } of [...this.#channels.values()]) local.end();
    await this.#driver.close();
  }

  #try(channel: string | ChannelDefinition, message: unknown, scope: MessageScope): Promise<void> {
    try {
      return this.#send(toDefinition(channel), message, scope);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(channel: ChannelDefinition, message: unknown, scope: MessageScope): Promise<void> {
    const { name, history } = channel;
    this.#types.check(channel, message);
    const reach = this.#reach(scope);
    this.check(channel);
    if (history !== undefined) checkReach(name, reach, this.#driver);
    if (!this.#open) throw new BusUnavailableError('The message bus is closed.');
    this.hooks.published?.(name);
    if (history === undefined) return this.#driver.publish(name, message, reach);
    return this.#driver.history.publish(name, message, history);
  }

  #connect({ name, history }: ChannelDefinition): Joined {
    const forget = (): void => void this.#channels.delete(name);
    const local = new LocalChannel(name, this.hooks, forget, this.#share);
    const feed = history && new HistoryFeed(local, this.#driver.history, history);
    local.connect(feed ?? this.#driver.subscribe(name, local));
    const joined = { local, history, feed };
    this.#channels.set(name, joined);
    return joined;
  }

  #reach(scope: MessageScope): Reach {
    if (scope === 'local') return 'local';
    if (scope === 'auto') return this.#driver.clustered ? 'global' : 'local';
    if (scope !== 'global')
      throw new TypeError(`scope must be 'auto', 'global' or 'local', not ${String(scope)}.`);
    if (this.#driver.clustered) return 'global';
    throw new TypeError(
      "scope 'global' needs a bus driver that reaches other servers, and this bus stays in its " +
        "process: set StreamingModule's option redis, or publish with scope 'auto' or 'local'.",
    );
  }
}

function nameOf(channel: unknown): string {
  return String((channel as ChannelDefinition | undefined)?.name ?? channel);
}

function enter(local: LocalChannel, member: ChannelMember): () => void {
  local.join(member);
  return () => local.leave(member);
}

/** @throws TypeError when one name stands for two channels at a time, of which each misses half. */
function checkSame({ name, history }: ChannelDefinition, joined: Joined): void {
  if (joined.history === history) return;
  if (joined.history?.size === history?.size && joined.history?.ttlMs === history?.ttlMs) return;
  throw new TypeError(
    `The channel "${name}" is used ${describe(history)} here, and ${describe(joined.history)} ` +
      'elsewhere in this process: use what one defineChannel() gave in all places.',
  );
}

function describe(history: ChannelHistory | undefined): string {
  if (history === undefined) return 'without a history';
  return `with a history of ${history.size} messages and ${history.ttlMs} ms`;
}

/** @throws TypeError for a message that some would find in the history and others not. */
function checkReach(name: string, reach: Reach, driver: BusDriver): void {
  if (reach === 'global' || !driver.clustered) return;
  throw new TypeError(
    `The channel "${name}" has a history, which is the same on all servers: scope 'local' can't be.`,
  );
}
