import type { Cluster, Redis } from 'ioredis';
import { SLOTS } from './hash-slot.js';

/** The servers of a cluster that own slots, and which ones. */
export interface ClusterTopology {
  /** The key of each slot's server; `undefined` where nobody has the slot. */
  readonly slots: readonly (string | undefined)[];
  /** By key, an instance of each that is not connected: what it was made with leads there. */
  readonly servers: ReadonlyMap<string, Redis>;
}

/**
 * Asks a cluster for its servers, by way of an instance that nobody else uses, and closes it.
 * Rejects when it doesn't answer in time.
 */
export async function readTopology(cluster: Cluster, timeoutMs: number): Promise<ClusterTopology> {
  try {
    await ready(cluster, timeoutMs);
    const slots = Array.from({ length: SLOTS }, (_, slot) => cluster.slots[slot]?.[0]);
    const owners = new Set(slots);
    const nodes = cluster.nodes('master').map((node) => [keyOf(node), node] as const);
    return { slots, servers: new Map(nodes.filter(([key]) => owners.has(key))) };
  } finally {
    cluster.disconnect();
  }
}

function ready(cluster: Cluster, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason = `no answer within ${timeoutMs} ms`;
    const fail = () => {
      clearTimeout(timer);
      reject(new Error(reason));
    };
    const timer = setTimeout(fail, timeoutMs);
    const note = (error: Error) => {
      reason = error.message;
    };
    cluster.on('error', note);
    cluster.on('node error', note);
    cluster.once('end', fail);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    cluster.once('ready', done);
    if (cluster.status === 'ready') done();
    else if (cluster.status === 'wait') cluster.connect().catch(note);
  });
}

function keyOf({ options }: Redis): string {
  return `${options.host ?? '127.0.0.1'}:${options.port ?? 6379}`;
}
