import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { ClusterConnections } from './cluster-connections.js';
import { type ConnectionSource, createSource, named } from './connection-source.js';
import { describeConfig, describeInstance } from './place.js';
import type { ConnectionsListener, RedisConnections } from './redis-connections.js';
import {
  isCluster,
  type RedisConfig,
  type RedisRole,
  type ResolvedRedisBusOptions,
} from './redis-options.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';
import { SingleConnections } from './single-connections.js';

/** The connections of a bus before they are opened, and where they lead, for people. */
export interface MadeConnections {
  readonly connections: RedisConnections;
  readonly place: string;
}

/** @throws Error when ioredis is needed and not installed, and what the user's factory throws. */
export async function createConnections(
  redis: RedisConfig,
  options: ResolvedRedisBusOptions,
  listener: ConnectionsListener,
): Promise<MadeConnections> {
  const source = await createSource(redis);
  const first = source.create('publish');
  const place = describeConfig(redis) ?? describeInstance(first);
  if (isCluster(first)) {
    return { connections: createCluster(first, source, options, listener), place };
  }
  const create = beginWith(checkKeyPrefix(first), source, toSingle);
  const probeChannel = `${options.prefix}probe:${randomBytes(8).toString('hex')}`;
  const server = toServerOptions(options, { create, probeChannel, sharded: false });
  return { connections: new SingleConnections(options.prefix, server, listener), place };
}

function createCluster(
  first: Cluster,
  source: ConnectionSource,
  options: ResolvedRedisBusOptions,
  listener: ConnectionsListener,
): ClusterConnections {
  const { prefix, connectTimeoutMs, reconnectDelayMs } = options;
  const create = beginWith(first, source, toCluster);
  return new ClusterConnections(
    {
      prefix,
      connectTimeoutMs,
      reconnectDelayMs,
      createCluster: () => create('publish'),
      createServer: (node, probeChannel, serverListener) => {
        const connect = (role: RedisRole) =>
          checkKeyPrefix(node.duplicate(named(role, node.options)));
        const server = { create: connect, probeChannel, sharded: true };
        return new RedisServer(toServerOptions(options, server), serverListener);
      },
    },
    listener,
  );
}

/** The first instance was made to see what it is; it is the first to be used, too. */
function beginWith<T>(
  first: T,
  source: ConnectionSource,
  check: (made: Redis | Cluster) => T,
): (role: RedisRole) => T {
  let unused: T | undefined = first;
  return (role) => {
    if (role !== 'publish' || unused === undefined) return check(source.create(role));
    const made = unused;
    unused = undefined;
    return made;
  };
}

function toSingle(made: Redis | Cluster): Redis {
  if (!isCluster(made)) return checkKeyPrefix(made);
  throw new Error('the redis factory gave a Redis first, and now a Cluster');
}

function toCluster(made: Redis | Cluster): Cluster {
  if (isCluster(made)) return made;
  throw new Error('the redis factory gave a Cluster first, and now a Redis');
}

/** ioredis puts it before some channels and not before others. */
function checkKeyPrefix(redis: Redis): Redis {
  if (!redis.options.keyPrefix) return redis;
  throw new Error('the redis factory must not set keyPrefix: set bus.prefix instead');
}

function toServerOptions(
  options: ResolvedRedisBusOptions,
  server: Pick<RedisServerOptions, 'create' | 'probeChannel' | 'sharded'>,
): RedisServerOptions {
  return {
    ...server,
    lingerMs: options.lingerMs,
    commandTimeoutMs: options.publishTimeoutMs,
    connectTimeoutMs: options.connectTimeoutMs,
    reconnectDelayMs: options.reconnectDelayMs,
    probeIntervalMs: options.probeIntervalMs,
    probeTimeoutMs: options.probeTimeoutMs,
  };
}
