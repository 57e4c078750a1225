import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../sample/pixorama/dist/main.js', import.meta.url));

/** The built sample app in a process of its own, on a port of its own, to be stopped and started. */
export class PixoramaServer {
  readonly port: number;
  #process: ChildProcess | undefined;

  readonly #environment: NodeJS.ProcessEnv;

  private constructor(port: number, environment: NodeJS.ProcessEnv) {
    this.port = port;
    this.#environment = environment;
  }

  static async start(environment: NodeJS.ProcessEnv = {}): Promise<PixoramaServer> {
    const server = new PixoramaServer(await findFreePort(), environment);
    await server.start();
    return server;
  }

  get pageUrl(): string {
    return `http://localhost:${this.port}/`;
  }

  get streamingUrl(): string {
    return `ws://localhost:${this.port}/streaming`;
  }

  /** Starts the process, on the same port again after a stop; resolves once it listens. */
  async start(): Promise<void> {
    if (!existsSync(MAIN)) throw new Error('Pixorama is not built: run "npm test", or build it.');
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, ...this.#environment, PORT: String(this.port), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    await untilListening(child);
  }

  /** Ends the process with this signal, and resolves once it is gone; harmless when repeated. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || hasExited(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Goes on reading what the process writes, so that a full pipe never stops it. */
function untilListening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Draw on')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`Pixorama ended before it listened:\n${output}`)));
  });
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('The probe has no port.');
  return address.port;
}
