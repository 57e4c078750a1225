// `npm start`: installs what is missing, builds what is out of date, and serves Pixorama on PORT.
import { createServer } from 'node:net';
import { fail, runNode } from './command.mjs';
import { install } from './install.mjs';

const MAIN = 'sample/pixorama/dist/main.js';
const INTERRUPTED = [130, 143];

const port = parsePort(process.env.PORT ?? '3000');
await checkFree(port);
await install();
const built = await runNode(['scripts/build.mjs', 'pixorama']);
if (INTERRUPTED.includes(built)) process.exit(built);
if (built !== 0) fail('The build failed: see above.');

// The server prints its address once it listens there. Ctrl-C is how one ends it: no failure.
const code = await runNode([MAIN], { env: { PORT: String(port) } });
process.exitCode = INTERRUPTED.includes(code) ? 0 : code;

function parsePort(text) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  return fail(`PORT must be a number from 1 to 65535; it is '${text}'.`);
}

function checkFree(number) {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', (error) => fail(explain(error, number)));
    probe.listen(number, () => probe.close(resolve));
  });
}

function explain(error, number) {
  if (error.code === 'EADDRINUSE') {
    return `Port ${number} is taken by another program: stop it, or choose another port with PORT=3001 npm start.`;
  }
  if (error.code === 'EACCES')
    return `Port ${number} may not be opened by this user: choose one above 1023 with PORT.`;
  return `Port ${number} can't be opened: ${error.message}`;
}
