import { setTimeout as pause } from 'node:timers/promises';
import { answerCommands } from '../commands.mjs';
import { createMessage, WAYS } from './ways.mjs';

const BURST = 1_000;

let way;
let number = 0;

const COMMANDS = {
  connect: async (name, url) => {
    way = await WAYS[name](url);
  },
  bursts: (amount) =>
    timed(async () => {
      for (let i = 0; i < amount; i++) await burst();
    }),
  singles: (amount) =>
    timed(async () => {
      for (let i = 0; i < amount; i++) await way.publish(createMessage(number++));
    }),
  /** Each tells when it was published, by the clock that all processes share. */
  'now and then': async (amount) => {
    for (let i = 0; i < amount; i++) {
      await pause(2);
      await way.publish(createMessage(process.hrtime.bigint()));
    }
  },
};

answerCommands((command, args) => COMMANDS[command](...args));

function burst() {
  const all = [];
  for (let i = 0; i < BURST; i++) all.push(way.publish(createMessage(number++)));
  return Promise.all(all);
}

async function timed(work) {
  const startedAt = Number(process.hrtime.bigint());
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { startedAt, cpuUs: user + system };
}
