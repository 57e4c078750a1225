import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../redis/redis-server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the command that starts two servers and a Redis', () => {
  let command: ChildProcess | undefined;

  afterEach(() => {
    if (command?.exitCode === null && command.signalCode === null) interrupt(command, 'SIGKILL');
  });

  it('prints both addresses, and leaves nothing behind after Ctrl-C', async () => {
    const port = await twoFreePorts();
    command = spawn(process.execPath, ['scripts/start-two.mjs', 'chat'], {
      cwd: ROOT,
      env: { ...process.env, PORT: String(port), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const output = await untilPrinted(command, /Two servers, one chat: .*\n/);
    const addresses = output
      .match(/http:\/\/(localhost|127\.0\.0\.1):\d+ and .*/)?.[0]
      .split(' and ');
    expect(addresses).toEqual([`http://localhost:${port}`, `http://127.0.0.1:${port + 1}`]);
    for (const address of addresses ?? []) {
      expect(await (await fetch(address)).text()).toContain('<title>Parlour</title>');
    }

    const gone = once(command, 'exit');
    interrupt(command, 'SIGINT');

    expect(await gone).toEqual([0, null]);
    const redisPort = Number(output.match(/Redis listens at redis:\/\/127\.0\.0\.1:(\d+)/)?.[1]);
    for (const each of [port, port + 1, redisPort]) expect(await isFree(each)).toBe(true);
  }, 180_000);
});

/** As a terminal does: the whole foreground group gets it. */
function interrupt(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(-child.pid, signal);
}

function untilPrinted(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (pattern.test(output)) resolve(output);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`It ended early:\n${output}`)));
  });
}

async function twoFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (await isFree(port + 1)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
