import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startProcess } from './process.js';

/** One process that publishes, receives, keeps books of both, and does what it is told. */
export class LedgerMember<Order extends object, Report> {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** `program` is its file in this folder. */
  static async start<Order extends object, Report>(
    program: string,
  ): Promise<LedgerMember<Order, Report>> {
    return new LedgerMember(await startProcess(program));
  }

  async order(order: Order): Promise<Report | undefined> {
    const answer = once(this.#child, 'message') as Promise<[{ report?: Report }]>;
    this.#child.send(order);
    const [{ report }] = await answer;
    return report;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
