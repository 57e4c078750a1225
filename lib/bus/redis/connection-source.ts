import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { isClusterConfig, type RedisConfig, type RedisRole } from './redis-options.js';

/** Where the connections come from. */
export interface ConnectionSource {
  /** An instance of its own for each call; not connected, unless the user's factory does that. */
  create(role: RedisRole): Redis | Cluster;
}

type Ioredis = Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>;

/**
 * What the bus needs of a connection, whatever the user set: it makes connections anew itself, sends
 * nothing twice, and keeps nothing for later.
 */
export const OWN_OPTIONS = {
  lazyConnect: true,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
  reconnectOnError: null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  replyMapping: 'legacy',
} satisfies RedisOptions;

/** @throws Error when ioredis is needed and not installed. */
export async function createSource(redis: RedisConfig): Promise<ConnectionSource> {
  if (typeof redis === 'function') return { create: redis };
  const { Redis, Cluster } = await loadIoredis();
  if (isClusterConfig(redis)) {
    const { nodes, options } = redis;
    return { create: () => new Cluster([...nodes], toClusterOptions(options)) };
  }
  if (typeof redis === 'string') return { create: (role) => new Redis(redis, named(role)) };
  return { create: (role) => new Redis({ ...redis, ...named(role, redis) }) };
}

/** Its name tells who looks at Redis what a connection is for. */
export function named(role: RedisRole, { connectionName }: RedisOptions = {}) {
  return { ...OWN_OPTIONS, connectionName: `${connectionName ?? 'nestjs-streaming'}:${role}` };
}

/** A cluster is made to be asked for its nodes once. */
function toClusterOptions(options: ClusterOptions = {}) {
  return {
    ...options,
    lazyConnect: true,
    enableOfflineQueue: false,
    shardedSubscribers: false,
    clusterRetryStrategy: () => null,
    redisOptions: { ...options.redisOptions, ...OWN_OPTIONS },
  };
}

async function loadIoredis(): Promise<Ioredis> {
  try {
    return await import('ioredis');
  } catch (cause) {
    if (!/MODULE_NOT_FOUND$/.test(String((cause as NodeJS.ErrnoException).code))) throw cause;
    throw new Error(
      'StreamingModule: the option redis needs the package ioredis: npm install ioredis',
      { cause },
    );
  }
}
