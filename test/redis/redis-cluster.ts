import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, RedisServerProcess } from './redis-server.js';

const SLOTS = 16_384;
const READY_MS = 20_000;

interface ClusterNode {
  readonly server: RedisServerProcess;
  /** Where the servers talk to each other. */
  readonly busPort: number;
}

/** Three servers that share the slots between them; no replicas. */
export class RedisCluster {
  readonly servers: readonly RedisServerProcess[];
  readonly #busPorts: readonly number[];

  private constructor(
    nodes: readonly ClusterNode[],
    private readonly folder: string,
  ) {
    this.servers = nodes.map(({ server }) => server);
    this.#busPorts = nodes.map(({ busPort }) => busPort);
  }

  static async start(): Promise<RedisCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-cluster-'));
    const nodes = [await startNode(folder), await startNode(folder), await startNode(folder)];
    const cluster = new RedisCluster(nodes, folder);
    await cluster.#join();
    return cluster;
  }

  get nodes(): { host: string; port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Gives a slot to another server, without the keys in it. */
  async move(slot: number, from: RedisServerProcess, to: RedisServerProcess): Promise<void> {
    const [fromId, toId] = [await idOf(from), await idOf(to)];
    await to.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId);
    await from.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId);
    for (const server of [to, from]) {
      await server.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', toId);
    }
  }

  /** The server that has a slot from the start. */
  serverOf(slot: number): RedisServerProcess {
    const share = Math.ceil(SLOTS / this.servers.length);
    return this.servers[Math.floor(slot / share)] as RedisServerProcess;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #join(): Promise<void> {
    const share = Math.ceil(SLOTS / this.servers.length);
    const [{ port }] = this.servers as [RedisServerProcess];
    const address = ['127.0.0.1', String(port), String(this.#busPorts[0])];
    for (const [i, server] of this.servers.entries()) {
      const last = Math.min((i + 1) * share, SLOTS) - 1;
      await server.command('CLUSTER', 'ADDSLOTSRANGE', String(i * share), String(last));
      await server.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      if (i > 0) await server.command('CLUSTER', 'MEET', ...address);
    }
    const until = Date.now() + READY_MS;
    while (!(await this.#isReady())) {
      if (Date.now() > until) throw new Error('the cluster does not come together');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #isReady(): Promise<boolean> {
    const infos = await Promise.all(this.servers.map((it) => it.command('CLUSTER', 'INFO')));
    const known = `cluster_known_nodes:${this.servers.length}`;
    return infos.every((info) => info.includes('cluster_state:ok') && info.includes(known));
  }
}

async function startNode(folder: string): Promise<ClusterNode> {
  const [port, busPort] = [await freePort(), await freePort()];
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
  const file = ['--dir', folder, '--cluster-config-file', `nodes-${port}.conf`];
  const timeout = ['--cluster-node-timeout', '5000'];
  return { busPort, server: await RedisServerProcess.start([...args, ...file, ...timeout], port) };
}

async function idOf(server: RedisServerProcess): Promise<string> {
  const reply = await server.command('CLUSTER', 'MYID');
  return reply.split('\r\n').at(-1) ?? '';
}
