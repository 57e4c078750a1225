import { answerCommands } from '../commands.mjs';
import { listen } from './app.mjs';

let revocation;
let before;

const COMMANDS = {
  async listen(redis) {
    const server = await listen(redis);
    revocation = server.revocation;
    return server.url;
  },
  /** By the clock that all processes share, in ns. */
  async revoke(user) {
    const startedAt = now();
    await revocation.revokeUser(user);
    return { startedAt, resolvedAt: now() };
  },
  startWork() {
    globalThis.gc();
    before = process.cpuUsage();
  },
  endWork() {
    const { user, system } = process.cpuUsage(before);
    return user + system;
  },
};

answerCommands((command, args) => COMMANDS[command](...args));

function now() {
  return Number(process.hrtime.bigint());
}
