import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { ROOT } from './root.mjs';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program with this process's own input and output, hands the signals it gets on to it, and
 * resolves with its exit code (128 + n when signal n ended it, 127 when it could not be started).
 */
export function run(program, args, { cwd = ROOT, env = {} } = {}) {
  // npm is a batch file on Windows, which only a shell starts.
  const shell = process.platform === 'win32' && program === 'npm';
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: 'inherit',
    shell,
  });
  const forward = (signal) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  return new Promise((resolve) => {
    const settle = (code) => {
      for (const signal of FORWARDED) process.off(signal, forward);
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      settle(127);
    });
    child.once('exit', (code, signal) => settle(code ?? 128 + constants.signals[signal]));
  });
}

/** Runs a script of Node's: `args[0]` is its file. */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

export function runNpm(args, options) {
  return run('npm', args, options);
}

/** Whether a program can be run at all; prints nothing. */
export function answers(program, args) {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** Ends the process with one plain sentence. */
export function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
