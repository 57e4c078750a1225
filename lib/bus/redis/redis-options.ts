// biome-ignore lint/suspicious/noTsIgnore: where ioredis is not installed its types are not needed, and nothing is expected to be wrong where it is.
/** @ts-ignore: ioredis is optional; the comment stands in the declarations, too. */
import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { shownValue } from '../../protocol/shown-value.js';

/** What a connection is for. */
export type RedisRole = 'publish' | 'subscribe';

/** A Redis Cluster, by some of its nodes. */
export interface RedisClusterConfig {
  /** Nodes to ask for all others. */
  readonly nodes: readonly ClusterNode[];
  /** ioredis's own options of a cluster; those of the connections are its `redisOptions`. */
  readonly options?: ClusterOptions;
}

/**
 * Makes a connection, each time one is needed: at the start, and again whenever one was lost. The bus
 * has it for itself, connects it if it isn't, and closes it. Where it gives a `Cluster`, that is asked
 * for its nodes and closed; the connections to them have the options that it gives its nodes.
 */
export type RedisFactory = (role: RedisRole) => Redis | Cluster;

/**
 * Where Redis is: a URL (`redis://`, `rediss://`), ioredis's options, with `sentinels` too, a
 * cluster, or a function that makes connections.
 */
export type RedisConfig = string | RedisOptions | RedisClusterConfig | RedisFactory;

/** How the bus uses Redis. Without Redis nothing of it matters. */
export interface RedisBusOptions {
  /** What all keys and channels of the bus begin with. @default 'nestjs-streaming:' */
  readonly prefix?: string;
  /**
   * What becomes of the application's start while Redis can't be reached: it fails after
   * `startupTimeoutMs`, or it waits for Redis, however long that takes. @default 'fail'
   */
  readonly startup?: 'fail' | 'wait';
  /** @default 5_000 */
  readonly startupTimeoutMs?: number;
  /**
   * What becomes of a message published while Redis can't be reached: `publish` rejects, or the
   * message goes to the subscribers of this process alone. @default 'fail'
   */
  readonly onUnavailable?: 'fail' | 'local';
  /** How long Redis may take to confirm a message, in ms. @default 2_000 */
  readonly publishTimeoutMs?: number;
  /** Messages that may be on their way to Redis at once; more are rejected. @default 100_000 */
  readonly maxInFlightMessages?: number;
  /** Bytes that may be on their way to Redis at once; more are rejected. @default 16_777_216 */
  readonly maxInFlightBytes?: number;
  /** The largest message, in bytes: a larger one is not sent, and not taken in. @default 1_048_576 */
  readonly maxMessageBytes?: number;
  /** How long a channel's subscription is kept after the last one left it, in ms. @default 1_000 */
  readonly lingerMs?: number;
  /** How long a connection may take to be made, in ms. @default 3_000 */
  readonly connectTimeoutMs?: number;
  /** The longest wait between two attempts to connect, in ms. @default 2_000 */
  readonly reconnectDelayMs?: number;
  /** Time between two probes through the connections, in ms. @default 1_000 */
  readonly probeIntervalMs?: number;
  /** How long a probe may take before silent connections are made anew, in ms. @default 1_500 */
  readonly probeTimeoutMs?: number;
}

/** The options with their defaults. */
export type ResolvedRedisBusOptions = Required<RedisBusOptions>;

const DEFAULTS: ResolvedRedisBusOptions = {
  prefix: 'nestjs-streaming:',
  startup: 'fail',
  startupTimeoutMs: 5_000,
  onUnavailable: 'fail',
  publishTimeoutMs: 2_000,
  maxInFlightMessages: 100_000,
  maxInFlightBytes: 16_777_216,
  maxMessageBytes: 1_048_576,
  lingerMs: 1_000,
  connectTimeoutMs: 3_000,
  reconnectDelayMs: 2_000,
  probeIntervalMs: 1_000,
  probeTimeoutMs: 1_500,
};

const WORDS: Readonly<Record<string, readonly string[]>> = {
  startup: ['fail', 'wait'],
  onUnavailable: ['fail', 'local'],
};

/** The longest time a timer takes. */
const LONGEST_MS = 2_147_483_647;

/**
 * Fills in the defaults.
 *
 * @throws TypeError with a sentence that names the option.
 */
export function resolveRedisBusOptions(given: RedisBusOptions = {}): ResolvedRedisBusOptions {
  if (!isObject(given)) throw wrong('bus', 'must be an object', given);
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) checkBusOption(name, value);
  return { ...DEFAULTS, ...Object.fromEntries(set) };
}

/** @throws TypeError with a sentence that names the option, for what can be no place of a Redis. */
export function checkRedisConfig(redis: unknown): asserts redis is RedisConfig {
  if (typeof redis === 'function') return;
  if (redis === '') {
    throw new TypeError(
      'StreamingModule: the option redis is an empty text: leave it out, or undefined, where there is no Redis.',
    );
  }
  if (typeof redis !== 'string' && !isObject(redis)) {
    throw wrong('redis', "must be a URL, ioredis's options, { nodes } or a function", redis);
  }
  if (typeof redis === 'string') return;
  if (isClusterConfig(redis as RedisConfig)) checkCluster(redis as unknown as RedisClusterConfig);
  else checkKeyPrefix('redis.keyPrefix', redis as RedisOptions);
}

export function isClusterConfig(redis: RedisConfig): redis is RedisClusterConfig {
  return typeof redis === 'object' && 'nodes' in redis;
}

export function isCluster(made: Redis | Cluster): made is Cluster {
  return made.isCluster;
}

function checkCluster({ nodes, options }: RedisClusterConfig): void {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw wrong('redis.nodes', 'must be an array with at least one node', nodes);
  }
  checkKeyPrefix('redis.options.keyPrefix', options);
  checkKeyPrefix('redis.options.redisOptions.keyPrefix', options?.redisOptions);
}

/** ioredis puts it before some channels and not before others. */
function checkKeyPrefix(option: string, options: { keyPrefix?: string | undefined } = {}): void {
  if (!options.keyPrefix) return;
  throw new TypeError(`StreamingModule: ${option} can't be used: set bus.prefix instead.`);
}

function checkBusOption(name: string, value: unknown): void {
  if (!Object.hasOwn(DEFAULTS, name)) {
    const known = Object.keys(DEFAULTS).join(', ');
    throw new TypeError(`StreamingModule: bus.${name} is unknown: there are ${known}.`);
  }
  const words = WORDS[name];
  if (words !== undefined) {
    if (!words.includes(value as string)) throw wrong(`bus.${name}`, oneOf(words), value);
  } else if (name === 'prefix') {
    // In a cluster braces would put everything on one server.
    if (typeof value !== 'string' || value.includes('{'))
      throw wrong('bus.prefix', "must be a string without '{'", value);
  } else checkNumber(name, value);
}

function checkNumber(name: string, value: unknown): void {
  const least = name === 'lingerMs' ? 0 : 1;
  const most = name.endsWith('Ms') ? LONGEST_MS : Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw wrong(`bus.${name}`, `must be a whole number from ${least} to ${most}`, value);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function oneOf(words: readonly string[]): string {
  return `must be ${words.map((word) => `'${word}'`).join(' or ')}`;
}

function wrong(option: string, sentence: string, value: unknown): TypeError {
  return new TypeError(`StreamingModule: the option ${option} ${sentence}, not ${show(value)}.`);
}

/** What an object holds may be a password. */
function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object of that kind' : shownValue(value);
}
