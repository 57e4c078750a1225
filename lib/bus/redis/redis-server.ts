import type { Redis } from 'ioredis';
import { BusUnavailableError } from '../bus-error.js';
import { KeptLink } from './kept-link.js';
import { Probe, type ProbedLinks } from './probe.js';
import { RawSubscriptions } from './raw-subscriptions.js';
import type { RawReceiver, RawSubscription } from './redis-connections.js';
import { notConnected, type RedisArgument, type RedisLink } from './redis-link.js';
import type { RedisRole } from './redis-options.js';
import type { RedisScript } from './redis-script.js';

export interface RedisServerOptions {
  readonly create: (role: RedisRole) => Redis;
  /** A channel of Redis for the probe alone. */
  readonly probeChannel: string;
  readonly sharded: boolean;
  readonly lingerMs: number;
  readonly commandTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly reconnectDelayMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
}

/** What a server tells its owner. None of its members throws. */
export interface RedisServerListener {
  /** Both connections stand, and what is published on one comes back on the other. */
  ready(): void;
  /** One of them is lost, or could not be made. Called for each reason anew. */
  troubled(reason: string): void;
  probed(latencyMs: number): void;
}

/** One Redis server: a connection to send commands on, another to receive what is published. */
export class RedisServer {
  readonly #options: RedisServerOptions;
  readonly #listener: RedisServerListener;
  readonly #publish: KeptLink;
  readonly #subscribe: KeptLink;
  /** The probe's own channel, subscribed to before all others. */
  readonly #probed: RawSubscriptions;
  readonly #subscriptions: RawSubscriptions;
  #loaded = new Set<string>();
  #probeStands = false;
  #probe: Probe | undefined;
  #isReady = false;

  constructor(options: RedisServerOptions, listener: RedisServerListener) {
    this.#options = options;
    this.#listener = listener;
    const { sharded, lingerMs, commandTimeoutMs: timeoutMs } = options;
    this.#probed = new RawSubscriptions({ sharded, lingerMs, timeoutMs });
    this.#subscriptions = new RawSubscriptions({ sharded, lingerMs, timeoutMs });
    this.#publish = this.#keep('publish', () => this.#publishUp());
    this.#subscribe = this.#keep('subscribe', (link) => this.#probed.up(link));
  }

  get probeChannel(): string {
    return this.#options.probeChannel;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get publishVerb(): 'PUBLISH' | 'SPUBLISH' {
    return this.#options.sharded ? 'SPUBLISH' : 'PUBLISH';
  }

  open(): void {
    this.#probed.subscribe(this.#options.probeChannel, {
      message: (payload) => this.#probe?.arrived(payload.toString()),
      stands: () => this.#setProbeStands(true),
      interrupted: () => this.#setProbeStands(false),
      failed: (error) => this.#listener.troubled(error.message),
    });
    this.#publish.open();
    this.#subscribe.open();
  }

  command(name: string, args: readonly RedisArgument[], timeoutMs?: number): Promise<unknown> {
    const { link } = this.#publish;
    if (link === undefined) return Promise.reject(notConnected());
    return link.send(name, args, timeoutMs ?? this.#options.commandTimeoutMs);
  }

  script(
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown> {
    this.#load(script);
    const run = this.command('EVALSHA', [script.sha, keys.length, ...keys, ...args], timeoutMs);
    return run.catch((error: Error) => {
      if (!error.message.startsWith('NOSCRIPT')) throw error;
      this.#loaded.delete(script.sha);
      throw new BusUnavailableError('Redis has forgotten a script.', { cause: error });
    });
  }

  subscribe(channel: string, receiver: RawReceiver): RawSubscription {
    return this.#subscriptions.subscribe(channel, receiver);
  }

  close(): void {
    this.#probe?.stop();
    this.#probed.close();
    this.#subscriptions.close();
    this.#publish.close();
    this.#subscribe.close();
  }

  #keep(role: RedisRole, up: (link: RedisLink) => void): KeptLink {
    const { create, connectTimeoutMs, reconnectDelayMs: maxDelayMs } = this.#options;
    return new KeptLink(
      { create: () => create(role), connectTimeoutMs, maxDelayMs },
      {
        up,
        down: (reason) => this.#down(role, reason),
        failed: (reason) => this.#listener.troubled(reason),
        message: (channel, payload) => this.#message(channel, payload),
      },
    );
  }

  #publishUp(): void {
    this.#loaded = new Set();
    this.#update();
  }

  #down(role: RedisRole, reason: string): void {
    this.#update();
    this.#listener.troubled(reason);
    if (role !== 'subscribe') return;
    this.#probed.down(reason);
    this.#subscriptions.down(reason);
  }

  #message(channel: string, payload: Buffer): void {
    const isProbe = channel === this.#options.probeChannel;
    (isProbe ? this.#probed : this.#subscriptions).message(channel, payload);
  }

  #setProbeStands(stands: boolean): void {
    this.#probeStands = stands;
    this.#update();
  }

  /** Begins to probe when both connections stand, and ends when one is lost. */
  #update(): void {
    const [publish, subscribe] = [this.#publish.link, this.#subscribe.link];
    const stand = publish !== undefined && subscribe !== undefined && this.#probeStands;
    if (stand === (this.#probe !== undefined)) return;
    this.#probe?.stop();
    this.#probe = stand ? this.#createProbe({ publish, subscribe }) : undefined;
    this.#isReady = false;
    this.#probe?.start();
  }

  #createProbe(links: ProbedLinks): Probe {
    const { probeChannel, probeIntervalMs, probeTimeoutMs } = this.#options;
    return new Probe(
      links,
      {
        role: () => this.command('ROLE', []),
        send: (payload) => this.command(this.publishVerb, [probeChannel, payload]),
        returned: (latencyMs) => this.#returned(links, latencyMs),
      },
      { intervalMs: probeIntervalMs, timeoutMs: probeTimeoutMs },
    );
  }

  /** Only now it is known that a subscription here is worth something. */
  #returned({ subscribe }: ProbedLinks, latencyMs: number): void {
    const wasReady = this.#isReady;
    this.#isReady = true;
    if (!wasReady) {
      this.#subscriptions.up(subscribe);
      this.#listener.ready();
    }
    this.#listener.probed(latencyMs);
  }

  /** On the same connection before its first run, so that it is known by then. */
  #load(script: RedisScript): void {
    if (this.#publish.link === undefined || this.#loaded.has(script.sha)) return;
    this.#loaded.add(script.sha);
    this.command('SCRIPT', ['LOAD', script.lua]).catch(() => this.#loaded.delete(script.sha));
  }
}
