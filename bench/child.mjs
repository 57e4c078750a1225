import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Whether server and client can have a core each; without it figures move more from run to run. */
export const canPin =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;

/** A server or a load client in a process of its own, on a core of its own, commanded over IPC. */
export class Child {
  static #running = new Set();
  #process;
  #waiting = new Map();
  #lastId = 0;

  constructor(file, core) {
    const node = [process.execPath, '--expose-gc', fileURLToPath(new URL(file, import.meta.url))];
    const [command, ...args] = canPin ? ['taskset', '-c', String(core), ...node] : node;
    this.#process = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', (answer) => this.#receive(answer));
    this.#process.on('exit', () => this.#fail(new Error(`${file} exited`)));
    Child.#running.add(this);
  }

  /** For the way out: a frozen child would outlive its parent. */
  static killAll() {
    for (const child of Child.#running) child.kill();
  }

  /** Runs `command` in the child. Rejects when it throws there, or when the child exits. */
  ask(command, ...args) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, command, args });
    });
  }

  /** Stops the whole process, as a debugger or a sleeping laptop would, until `thaw`. */
  freeze() {
    this.#process.kill('SIGSTOP');
  }

  thaw() {
    this.#process.kill('SIGCONT');
  }

  kill() {
    Child.#running.delete(this);
    this.#process.removeAllListeners('exit');
    this.#process.kill('SIGKILL');
  }

  #receive({ id, result, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
