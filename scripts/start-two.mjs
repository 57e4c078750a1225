// `npm run start:chat:two`: the same with two servers, on PORT and the one after it, and a Redis of
// their own between them. Ctrl-C ends all three.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fail } from './command.mjs';
import { locateProgram } from './programs.mjs';
import { checkFree, prepare, readPort, serve } from './start-steps.mjs';

const [sample = 'chat'] = process.argv.slice(2);
const port = readPort();
const ports = [port, port + 1];
for (const each of ports) await checkFree(each);
await prepare(sample);

const redis = await startRedis();
const env = { REDIS_URL: redis.url, JWT_SECRET: randomBytes(32).toString('hex') };
const serving = Promise.all(ports.map((each) => serve(sample, each, env)));
void announce();
// Redis goes last: the servers still say goodbye to each other.
const codes = await serving;
await redis.stop();
process.exit(Math.max(...codes));

/** Two names of this machine, whose cookies a browser keeps apart: one may be two people. */
async function announce() {
  while (!(await Promise.all(ports.map(answers))).every(Boolean)) await setTimeout(100);
  const [one, two] = ports;
  console.log(
    `\nTwo servers, one ${sample}: http://localhost:${one} and http://127.0.0.1:${two}\n`,
  );
}

function answers(each) {
  const socket = connect(each, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.once('connect', () => resolve(true));
  }).finally(() => socket.destroy());
}

/** On a free port, with nothing on the disk; its own process group, which Ctrl-C doesn't reach. */
async function startRedis() {
  const program = await locateProgram('REDIS_SERVER');
  const redisPort = await findFreePort();
  const args = ['--port', redisPort, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(program, args.map(String), {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const gone = once(child, 'exit');
  process.on('exit', () => child.kill());
  await untilReady(child);
  const url = `redis://127.0.0.1:${redisPort}`;
  console.log(`Redis listens at ${url}`);
  const stop = async () => {
    child.kill();
    await gone;
  };
  return { url, stop };
}

function untilReady(child) {
  return new Promise((resolve) => {
    let output = '';
    const failed = () => fail(`redis-server ended before it was ready:\n${output}`);
    child.once('exit', failed);
    child.stdout.on('data', (chunk) => {
      output = (output + chunk).slice(-4_096);
      if (!/ready to accept connections/i.test(output)) return;
      child.off('exit', failed);
      resolve();
    });
  });
}

async function findFreePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  await once(probe, 'close');
  return free;
}
