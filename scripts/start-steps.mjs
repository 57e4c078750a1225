// What the commands that start a sample have in common.
import { createServer } from 'node:net';
import { fail, runNode } from './command.mjs';
import { install } from './install.mjs';

const INTERRUPTED = [130, 143];

/** The port that PORT names, or 3000. */
export function readPort() {
  const text = process.env.PORT ?? '3000';
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  return fail(`PORT must be a number from 1 to 65535; it is '${text}'.`);
}

/** Ends the process with a sentence where the port can't be had. */
export function checkFree(port) {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', (error) => fail(explain(error, port)));
    probe.listen(port, () => probe.close(resolve));
  });
}

/** Installs what is missing, and builds what is out of date. */
export async function prepare(sample) {
  await install();
  const built = await runNode(['scripts/build.mjs', sample]);
  if (INTERRUPTED.includes(built)) process.exit(built);
  if (built !== 0) fail('The build failed: see above.');
}

/** Runs a sample's server, which prints its address once it listens there. Resolves with its exit code. */
export async function serve(sample, port, env = {}) {
  const main = `sample/${sample}/dist/main.js`;
  const code = await runNode([main], { env: { ...env, PORT: String(port) } });
  // Ctrl-C is how one ends it: no failure.
  return INTERRUPTED.includes(code) ? 0 : code;
}

function explain(error, port) {
  if (error.code === 'EADDRINUSE') {
    const command = `npm run ${process.env.npm_lifecycle_event ?? 'start'}`;
    return `Port ${port} is taken by another program: stop it, or choose another port with PORT=${port + 1} ${command}.`;
  }
  if (error.code === 'EACCES')
    return `Port ${port} may not be opened by this user: choose one above 1023 with PORT.`;
  return `Port ${port} can't be opened: ${error.message}`;
}
