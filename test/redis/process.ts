import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./process.mjs', import.meta.url));

/**
 * Runs a module of this folder in a process of its own. Resolves when that has sent its first message;
 * rejects when it ends before.
 */
export async function startProcess(file: string): Promise<ChildProcess> {
  const child = fork(PROGRAM, [file], { stdio: 'inherit' });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${file} could not be run`);
  });
  await Promise.race([once(child, 'message'), ended]);
  return child;
}
