import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A Redis server that keeps nothing. A slow receiver is not thrown out: what is measured is the way,
 * not its overflow.
 */
export async function startRedis() {
  const port = await freePort();
  const options = ['--save', '', '--appendonly', 'no'];
  const limit = ['--client-output-buffer-limit', 'pubsub 0 0 0'];
  const program = process.env.REDIS_SERVER ?? 'redis-server';
  const child = spawn(program, ['--port', String(port), ...options, ...limit], { stdio: 'pipe' });
  for await (const chunk of child.stdout) if (chunk.includes('Ready to accept')) break;
  return { url: `redis://127.0.0.1:${port}`, stop: () => child.kill() };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
