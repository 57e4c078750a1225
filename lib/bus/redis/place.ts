import type { Cluster, ClusterNode, Redis } from 'ioredis';
import { isCluster, isClusterConfig, type RedisConfig } from './redis-options.js';

const PORT = 6379;
const SENTINEL_PORT = 26379;

/** Where a cluster's nodes are, for people, and never a password; `undefined` for anything else. */
export function describeConfig(redis: RedisConfig): string | undefined {
  return isClusterConfig(redis) ? redis.nodes.map(describeNode).join(', ') : undefined;
}

/** Where a connection leads, for people: hosts and ports, and never a password. */
export function describeInstance(made: Redis | Cluster): string {
  if (isCluster(made)) return 'the cluster of the redis factory';
  const { sentinels, name, path, host, port } = made.options;
  if (sentinels) {
    const places = sentinels.map((it) => hostAndPort(it, SENTINEL_PORT));
    return `"${name}" by way of the sentinels ${places.join(', ')}`;
  }
  return path ?? hostAndPort({ host, port });
}

function describeNode(node: ClusterNode): string {
  if (typeof node === 'number') return hostAndPort({ port: node });
  if (typeof node !== 'string') return hostAndPort(node);
  // What stands before an @ is a user and a password.
  return node.slice(node.lastIndexOf('@') + 1).replace(/^.*:\/\//, '');
}

function hostAndPort(
  { host, port }: { host?: string | undefined; port?: number | undefined },
  defaultPort = PORT,
): string {
  return `${host ?? 'localhost'}:${port ?? defaultPort}`;
}
