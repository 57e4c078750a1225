import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../redis/redis-server.js';

const MAIN = fileURLToPath(new URL('../../sample/chat/dist/main.js', import.meta.url));

/** The built chat in a process of its own, on a port of its own, to be stopped and started. */
export class ChatServer {
  readonly port: number;
  readonly #environment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  private constructor(port: number, environment: NodeJS.ProcessEnv) {
    this.port = port;
    this.#environment = environment;
  }

  /** Resolves once it listens; without a `REDIS_URL` it is alone. */
  static async start(environment: NodeJS.ProcessEnv = {}): Promise<ChatServer> {
    const server = new ChatServer(await freePort(), environment);
    await server.start();
    return server;
  }

  /** Starts the process, on the same port again after a stop; resolves once it listens. */
  async start(): Promise<void> {
    if (!existsSync(MAIN)) throw new Error('The chat is not built: run "npm test", or build it.');
    const own = { JWT_SECRET: 'secret', PORT: String(this.port), NO_COLOR: '1' };
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, ...own, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    await untilListening(child);
  }

  get pageUrl(): string {
    return `http://localhost:${this.port}/`;
  }

  get streamingUrl(): string {
    return `ws://localhost:${this.port}/streaming`;
  }

  /** Ends the process with this signal, and resolves once it is gone; harmless when repeated. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

/** Goes on reading what the process writes, so that a full pipe never stops it. */
function untilListening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Talk on')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`The chat ended before it listened:\n${output}`)));
  });
}
