import type { BusDriver, Reach } from './bus-driver.js';
import { BusError } from './bus-error.js';
import type { BusHooks } from './bus-hooks.js';
import { Channel, type ChannelMember } from './channel.js';
import type { MessageScope } from './subscription.js';

/** The channels this process takes part in, over one driver: what every view of the bus shares. */
export class Channels {
  readonly hooks: BusHooks;
  readonly #driver: BusDriver;
  readonly #channels = new Map<string, Channel>();
  #open = true;

  constructor(driver: BusDriver, hooks: BusHooks) {
    this.#driver = driver;
    this.hooks = hooks;
  }

  async publish(channel: string, message: unknown, scope: MessageScope): Promise<void> {
    checkChannel(channel);
    const reach = this.#reach(scope);
    if (!this.#open) throw new BusError('unavailable', 'The message bus is closed.');
    this.hooks.published?.(channel);
    return this.#driver.publish(channel, message, reach);
  }

  /** Lets a member take part, at once, and returns what makes it leave. A closed bus ends it. */
  join(name: string, member: ChannelMember): () => void {
    if (!this.#open) {
      member.end();
      return () => {};
    }
    const channel = this.#channels.get(name) ?? this.#connect(name);
    channel.join(member);
    return () => channel.leave(member);
  }

  count(name: string): number {
    return this.#channels.get(name)?.size ?? 0;
  }

  countAll(): number {
    let count = 0;
    for (const { size } of this.#channels.values()) count += size;
    return count;
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const channel of [...this.#channels.values()]) channel.end();
    await this.#driver.close();
  }

  #connect(name: string): Channel {
    const channel = new Channel(name, this.hooks, () => this.#channels.delete(name));
    channel.connect(this.#driver.subscribe(name, channel));
    this.#channels.set(name, channel);
    return channel;
  }

  #reach(scope: MessageScope): Reach {
    if (scope === 'local') return 'local';
    if (scope === 'auto') return this.#driver.clustered ? 'global' : 'local';
    if (scope !== 'global')
      throw new TypeError(`scope must be 'auto', 'global' or 'local', not ${String(scope)}.`);
    if (this.#driver.clustered) return 'global';
    throw new TypeError(
      "scope 'global' needs a bus driver that reaches other servers, and this bus stays in its " +
        "process: give it one, or publish with scope 'auto' or 'local'.",
    );
  }
}

/** @throws TypeError for anything but a string that is not empty. */
export function checkChannel(channel: unknown): void {
  if (typeof channel !== 'string' || channel === '')
    throw new TypeError('A channel must be a string that is not empty.');
}
