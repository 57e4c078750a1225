import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A sample: the name of its folder, and what its server says once it listens. */
export interface Sample {
  readonly name: string;
  readonly listening: string;
}

/** A built sample in a process of its own, on a port of its own, to be stopped and started. */
export class SampleServer {
  readonly port: number;
  readonly #sample: Sample;
  readonly #environment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  protected constructor(sample: Sample, port: number, environment: NodeJS.ProcessEnv) {
    this.#sample = sample;
    this.port = port;
    this.#environment = environment;
  }

  get pageUrl(): string {
    return `http://localhost:${this.port}/`;
  }

  get streamingUrl(): string {
    return `ws://localhost:${this.port}/streaming`;
  }

  /** Starts the process, on the same port again after a stop; resolves once it listens. */
  async start(): Promise<void> {
    const { name } = this.#sample;
    const main = fileURLToPath(new URL(`../sample/${name}/dist/main.js`, import.meta.url));
    if (!existsSync(main)) throw new Error(`${name} is not built: run "npm test", or build it.`);
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, PORT: String(this.port), NO_COLOR: '1', ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    await untilListening(child, this.#sample);
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
function untilListening(child: ChildProcess, { name, listening }: Sample): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(listening)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`${name} ended before it listened:\n${output}`)));
  });
}
