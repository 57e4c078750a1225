import { answerCommands } from '../commands.mjs';
import { numberOf, WAYS } from './ways.mjs';

let next = 0;
/** Called with each message's number. */
let take = () => {};

const COMMANDS = {
  async connect(name, url) {
    const way = await WAYS[name](url);
    await way.listen((message) => take(numberOf(message)));
  },
  /** Waits for so many messages, in order and none left out. */
  receive: (amount) =>
    new Promise((resolve, reject) => {
      const before = process.cpuUsage();
      const last = next + amount - 1;
      take = (number) => {
        if (number !== next++) reject(new Error(`${number} came in the place of ${next - 1}`));
        if (number === last) resolve({ endedAt: now(), cpuUs: cpuSince(before) });
      };
    }),
  latencies: (amount) =>
    new Promise((resolve) => {
      const all = [];
      take = (publishedAt) => {
        all.push((now() - publishedAt) / 1_000);
        if (all.length === amount) resolve(all);
      };
    }),
};

answerCommands((command, args) => COMMANDS[command](...args));

function now() {
  return Number(process.hrtime.bigint());
}

function cpuSince(before) {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
