import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { BusStatus } from '../bus-driver.js';
import { ClusterSubscription } from './cluster-subscription.js';
import { type ClusterTopology, readTopology } from './cluster-topology.js';
import { ConnectionStatus } from './connection-status.js';
import { hashSlot } from './hash-slot.js';
import { NotSentError } from './not-sent-error.js';
import {
  type ConnectionsListener,
  type RawReceiver,
  type RawSubscription,
  RedisConnections,
} from './redis-connections.js';
import type { RedisArgument } from './redis-link.js';
import type { RedisScript } from './redis-script.js';
import type { RedisServer, RedisServerListener } from './redis-server.js';

export interface ClusterConnectionsOptions {
  readonly prefix: string;
  /** Makes an instance that nobody else uses, to ask it for the cluster's servers. */
  readonly createCluster: () => Cluster;
  /** Makes what leads to one of them; `node` is how the cluster would connect to it. */
  readonly createServer: (
    node: Redis,
    probeChannel: string,
    listener: RedisServerListener,
  ) => RedisServer;
  readonly connectTimeoutMs: number;
  readonly reconnectDelayMs: number;
}

const FIRST_DELAY_MS = 100;
/** What a server says that has no such slot, or is in no state to answer for it. */
const CHANGING = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /;

/**
 * A Redis Cluster: two connections to each server that owns slots, and sharded channels. Whenever
 * something is amiss with one of them the cluster is asked anew who owns what.
 */
export class ClusterConnections extends RedisConnections {
  readonly publishVerb = 'SPUBLISH';
  readonly prefix: string;
  readonly #options: ClusterConnectionsOptions;
  readonly #listener: ConnectionsListener;
  readonly #status: ConnectionStatus;
  readonly #servers = new Map<string, RedisServer>();
  readonly #subscriptions = new Set<ClusterSubscription>();
  #slots: ClusterTopology['slots'] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  /** What is asked for the servers now. */
  #asked: Cluster | undefined;
  /** Whether the cluster may not be as it was when it was asked. */
  #isDoubted = true;
  #isOpen = true;

  constructor(options: ClusterConnectionsOptions, listener: ConnectionsListener) {
    super();
    this.#options = options;
    this.prefix = options.prefix;
    this.#listener = listener;
    this.#status = new ConnectionStatus((status, reason) => listener.statusChanged(status, reason));
  }

  get status(): BusStatus {
    return this.#status.current;
  }

  open(timeoutMs: number | undefined, explain: (reason: string) => Error): Promise<void> {
    void this.#ask();
    return this.#status.wait(timeoutMs, explain);
  }

  command(
    key: string,
    name: string,
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown> {
    return this.#at(key, (server) => server.command(name, args, timeoutMs));
  }

  script(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown> {
    return this.#at(keys[0], (server) => server.script(script, keys, args, timeoutMs));
  }

  subscribe(channel: string, receiver: RawReceiver): RawSubscription {
    const subscription = new ClusterSubscription(channel, receiver, () =>
      this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    subscription.moveTo(this.#serverOf(subscription.slot));
    return subscription;
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#asked?.disconnect();
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    this.#subscriptions.clear();
    this.#status.closed();
  }

  #serverOf(slot: number): RedisServer | undefined {
    const key = this.#slots[slot];
    return key === undefined ? undefined : this.#servers.get(key);
  }

  #at(key: string, send: (server: RedisServer) => Promise<unknown>): Promise<unknown> {
    const server = this.#serverOf(hashSlot(key));
    if (server === undefined) return Promise.reject(changing('nobody has the slot'));
    return send(server).catch((error: Error) => {
      if (!CHANGING.test(error.message)) throw error;
      this.#troubled(error.message);
      throw changing(error.message);
    });
  }

  #troubled(reason: string): void {
    this.#isDoubted = true;
    this.#status.troubled(reason);
    this.#askSoon();
  }

  /** Attempts that don't help come later and later. */
  #askSoon(): void {
    if (this.#timer !== undefined || this.#asked !== undefined || !this.#isOpen) return;
    const { reconnectDelayMs } = this.#options;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts, reconnectDelayMs);
    this.#attempts += 1;
    this.#timer = setTimeout(() => void this.#ask(), delayMs * (0.5 + Math.random() / 2));
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    try {
      const { createCluster, connectTimeoutMs } = this.#options;
      this.#asked = createCluster();
      const topology = await readTopology(this.#asked, connectTimeoutMs);
      if (this.#isOpen) this.#take(topology);
    } catch (error) {
      this.#status.troubled(error instanceof Error ? error.message : String(error));
    }
    this.#asked = undefined;
    if (this.#isOpen) this.#update();
  }

  #take({ slots, servers }: ClusterTopology): void {
    this.#slots = slots;
    this.#isDoubted = slots.includes(undefined);
    const before = new Map(this.#servers);
    for (const [key, node] of servers) if (!this.#hasProbed(key)) this.#add(key, node);
    for (const key of before.keys()) if (!servers.has(key)) this.#servers.delete(key);
    for (const subscription of this.#subscriptions) {
      subscription.moveTo(this.#serverOf(subscription.slot));
    }
    for (const [key, server] of before) if (this.#servers.get(key) !== server) server.close();
  }

  /** Not one whose probe's slot has gone elsewhere. */
  #hasProbed(key: string): boolean {
    const server = this.#servers.get(key);
    return server !== undefined && this.#slots[hashSlot(server.probeChannel)] === key;
  }

  #add(key: string, node: Redis): void {
    const server = this.#options.createServer(node, this.#probeChannel(key), {
      ready: () => this.#update(),
      troubled: (reason) => this.#troubled(reason),
      probed: (latencyMs) => this.#listener.probed(latencyMs),
    });
    this.#servers.set(key, server);
    server.open();
  }

  /** Well, or to be asked again. */
  #update(): void {
    const servers = [...this.#servers.values()];
    if (this.#isDoubted || servers.some(({ isReady }) => !isReady)) return this.#askSoon();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#attempts = 0;
    this.#status.connected();
  }

  /** One that the server has: channels belong to slots as keys do. */
  #probeChannel(key: string): string {
    const name = `${this.prefix}probe:${randomBytes(8).toString('hex')}:`;
    let n = 0;
    while (this.#slots[hashSlot(name + n)] !== key) n += 1;
    return name + n;
  }
}

function changing(reason: string): NotSentError {
  return new NotSentError(`The Redis Cluster is changing: ${reason}.`);
}
