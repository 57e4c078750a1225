import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RaceConfig } from './race-app.js';
import type { RaceAnswer, RaceAnswers, RaceOrder } from './race-process.js';
import type { Revoked } from './scene.js';
import type { Kind } from './token.js';
import type { Written } from './wire-notes.js';

const PROGRAM = fileURLToPath(new URL('./process.mjs', import.meta.url));

/** A Nest application in a process of its own. */
export class RaceServer {
  port = 0;
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (answer: RaceAnswer) => void>();
  #orders = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: RaceAnswer) => this.#answers.get(answer.id)?.(answer));
    child.on('exit', () => {
      for (const [id, answer] of this.#answers) answer({ id, error: 'the server is gone' });
    });
  }

  static async start(): Promise<RaceServer> {
    const child = fork(PROGRAM, { stdio: 'inherit' });
    const server = new RaceServer(child);
    const ended = once(child, 'exit').then(() => {
      throw new Error('a server could not be run');
    });
    await Promise.race([once(child, 'message'), ended]);
    return server;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async open(config: RaceConfig): Promise<void> {
    this.port = await this.#order({ do: 'open', config });
  }

  /** Revokes a user on this server. */
  revoke(user: string, kind: Kind, afterMs: number): Promise<Revoked> {
    return this.#order({ do: 'revoke', user, kind, afterMs });
  }

  /** How a revocation on this server went that was begun by what a token says. */
  revoked(user: string): Promise<Revoked> {
    return this.#order({ do: 'revoked', user });
  }

  written(ends: readonly (readonly [call: string, endedAt: number])[]): Promise<Written> {
    return this.#order({ do: 'written', ends });
  }

  async close(): Promise<void> {
    await this.#order({ do: 'close' });
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #order<Order extends RaceOrder>(order: Order): Promise<RaceAnswers[Order['do']]> {
    this.#orders += 1;
    const id = this.#orders;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ answer, error }) => {
        this.#answers.delete(id);
        if (error === undefined) resolve(answer as RaceAnswers[Order['do']]);
        else reject(new Error(error));
      });
      if (this.isRunning) this.#child.send({ ...order, id });
      else reject(new Error('the server is gone'));
    });
  }
}
