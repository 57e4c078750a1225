import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, RedisServerProcess } from './redis-server.js';

const READY_MS = 20_000;

/** A primary, a replica, and a sentinel that alone decides which is which. */
export class RedisSentinel {
  private constructor(
    private readonly folder: string,
    readonly sentinel: RedisServerProcess,
    readonly primary: RedisServerProcess,
    readonly replica: RedisServerProcess,
  ) {}

  static async start(): Promise<RedisSentinel> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'));
    const primary = await RedisServerProcess.start();
    const replica = await RedisServerProcess.start(['--replicaof', `127.0.0.1 ${primary.port}`]);
    const port = await freePort();
    const config = join(folder, 'sentinel.conf');
    await writeFile(config, configure(port, primary.port));
    const sentinel = await RedisServerProcess.startSentinel(config, port);
    const whole = new RedisSentinel(folder, sentinel, primary, replica);
    await whole.#replicated();
    return whole;
  }

  /** Makes the primary a replica of its replica; both go on. */
  async failOver(): Promise<void> {
    // The sentinel may not have looked at the replica for a while.
    await until(async () => {
      const answer = await this.sentinel.command('SENTINEL', 'FAILOVER', 'main');
      return answer === '+OK';
    });
  }

  /** Resolves when the replica is the primary. */
  async promoted(): Promise<void> {
    await until(async () => (await this.replica.command('ROLE')).includes('master'));
  }

  async stop(): Promise<void> {
    await Promise.all([this.sentinel.stop(), this.primary.stop(), this.replica.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The sentinel has to know the replica before it can promote it. */
  async #replicated(): Promise<void> {
    const { port } = this.replica;
    await until(async () => (await this.replica.command('ROLE')).includes('connected'));
    await until(async () => {
      const known = await this.sentinel.command('SENTINEL', 'REPLICAS', 'main');
      return known.includes(String(port));
    });
  }
}

function configure(port: number, primaryPort: number): string {
  return [
    `port ${port}`,
    `sentinel monitor main 127.0.0.1 ${primaryPort} 1`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 2000',
    '',
  ].join('\n');
}

/** A sentinel that reconfigures a server closes all its connections, that of the question included. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + READY_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error('the sentinel and its servers do not come together');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
