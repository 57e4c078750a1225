import type { ClusterNode } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import type { BusHooks } from '../../lib/bus/bus-hooks.js';
import { createRedisDriver } from '../../lib/bus/redis/create-redis-driver.js';
import type { RedisDriver } from '../../lib/bus/redis/redis-driver.js';
import type { RedisBusOptions, RedisConfig } from '../../lib/bus/redis/redis-options.js';
import { ModelRegistry } from '../../lib/model/registry.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';

export interface TestDriverOptions extends RedisBusOptions {
  readonly hooks?: BusHooks;
}

/** A driver that is connected, with the models that the test has registered. */
export function connectDriver(
  redis: RedisConfig,
  { hooks = {}, ...options }: TestDriverOptions = {},
): Promise<RedisDriver> {
  return createRedisDriver({
    redis,
    options,
    hooks,
    models: new ModelRegistry(),
    limits: DEFAULT_LIMITS,
  });
}

/** The ways to a cluster with both versions of ioredis. */
export const CLUSTER_VERSIONS: readonly [
  name: string,
  connect: (nodes: ClusterNode[]) => RedisConfig,
][] = [
  ['ioredis 6', (nodes) => ({ nodes })],
  ['ioredis 5', (nodes) => () => new Cluster5(nodes as never) as never],
];

/** The ways to the same server with both versions of ioredis. */
export const VERSIONS: readonly [name: string, connect: (url: string) => RedisConfig][] = [
  ['ioredis 6', (url) => url],
  // Its types are those of version 6 where the bus looks, but not everywhere.
  ['ioredis 5', (url) => (role) => new Redis5(url, { connectionName: role }) as never],
];
