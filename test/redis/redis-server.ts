import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = process.env['REDIS_SERVER'] ?? 'redis-server';
const START_MS = 10_000;
/**
 * For a server that has all it has confirmed when it was killed. By default it leaves what it should
 * write for later while the disk is slow to sync, and the end of it is lost.
 */
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'no'];

/** A Redis server of a test's own, which may be killed, frozen and started again on its port. */
export class RedisServerProcess {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly commandLine: readonly string[],
  ) {}

  /** Starts a server on a free port, or on the one given; `args` are added to its command line. */
  static async start(args: readonly string[] = [], port?: number): Promise<RedisServerProcess> {
    const own = port ?? (await freePort());
    const plain = ['--port', String(own), '--save', '', '--appendonly', 'no'];
    // Or else a replica is let wait for others that might come.
    const atOnce = ['--repl-diskless-sync-delay', '0'];
    // A replica writes what it gets from its primary to a file, whatever it is told to save.
    const files = ['--dir', tmpdir(), '--dbfilename', dumpOf(own)];
    const server = new RedisServerProcess(own, [...plain, ...atOnce, ...files, ...args]);
    await server.restart();
    return server;
  }

  /** Starts a sentinel on the port that its file of configuration names. */
  static async startSentinel(configFile: string, port: number): Promise<RedisServerProcess> {
    const server = new RedisServerProcess(port, [configFile, '--sentinel']);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it again on its port, after `kill()` or `stop()`. Resolves when it answers. */
  async restart(): Promise<void> {
    const child = spawn(PROGRAM, [...this.commandLine], { stdio: 'ignore' });
    this.#child = child;
    try {
      await waitForAnswer(this.port, child);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** As when the machine is gone: nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGCONT');
    await this.#end('SIGTERM');
    await rm(join(tmpdir(), dumpOf(this.port)), { force: true });
  }

  /** It stays connected to everybody, and does nothing. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Runs one command on a connection of its own; for a reply of one line, or the first one. */
  command(...args: string[]): Promise<string> {
    return sendCommand(this.port, args);
  }

  /** The ids of the connections that receive what is published. */
  async subscribers(): Promise<string[]> {
    const list = await this.command('CLIENT', 'LIST', 'TYPE', 'pubsub');
    return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

function dumpOf(port: number): string {
  return `dump-${port}.rdb`;
}

/**
 * A port that nobody listens on, below those that the system gives to whoever connects: a server
 * that was killed finds its port free again.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The reply as it came, for a command whose reply fits into one packet. */
function sendCommand(port: number, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = tcpConnect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().trim());
    });
    const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
    socket.write(`*${args.length}\r\n${parts.join('')}`);
  });
}

async function waitForAnswer(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_MS;
  while (child.exitCode === null && Date.now() < until) {
    const answer = await sendCommand(port, ['PING']).catch(() => '');
    if (answer === '+PONG' || answer.startsWith('-NOAUTH')) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`redis-server does not answer on port ${port}`);
}
