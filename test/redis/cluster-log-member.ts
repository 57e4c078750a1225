import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { LogAnswer, LogConfig, LogOrder, LogReport } from './cluster-log-process.js';
import { startProcess } from './process.js';

/** A server of a cluster log in a process of its own. */
export class ClusterLogMember {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (report: LogReport | undefined) => void>();
  #orders = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, report }: LogAnswer) => this.#answers.get(id)?.(report));
  }

  static async start(): Promise<ClusterLogMember> {
    return new ClusterLogMember(await startProcess('cluster-log-process.ts'));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async open(config: LogConfig): Promise<void> {
    await this.#order({ do: 'open', config });
  }

  /** Resolves when all of them have ended, well or not. */
  async append(entries: readonly string[], jitterMs = 0): Promise<void> {
    await this.#order({ do: 'append', entries, jitterMs });
  }

  async report(): Promise<LogReport> {
    const report = await this.#order({ do: 'report' });
    if (report === undefined) throw new Error('no report');
    return report;
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

  #order(order: LogOrder): Promise<LogReport | undefined> {
    this.#orders += 1;
    const id = this.#orders;
    return new Promise((resolve) => {
      this.#answers.set(id, (report) => {
        this.#answers.delete(id);
        resolve(report);
      });
      this.#child.send({ ...order, id });
    });
  }
}
