/** The server under test: `node server-process.mjs`, commanded by pairs.mjs over IPC. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerCommands } from './commands.mjs';

const RESOLUTION_MS = 20;

let before;
let profiler;
let watch;

const COMMANDS = {
  async listen(module, options) {
    const { listen } = await import(module);
    return listen(options);
  },

  collectGarbage: () => globalThis.gc(),

  async startWork(profiled) {
    if (profiled) profiler = await startProfiler();
    before = process.cpuUsage();
  },

  async endWork(profileFile) {
    const { user, system } = process.cpuUsage(before);
    if (profiler) await writeProfile(profileFile);
    return { cpuUs: user + system };
  },

  /** What is let go in a finalizer or at the end of a turn needs a second collection. */
  async heldBytes() {
    globalThis.gc();
    await sleep(100);
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },

  /** From here on the peak of the process's memory is kept. */
  startWatch() {
    const startBytes = process.memoryUsage.rss();
    watch = { startBytes, peakBytes: startBytes };
    watch.timer = setInterval(sample, 50);
  },

  startStop() {
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    Object.assign(watch, { delay, cpu: process.cpuUsage() });
  },

  endStop() {
    const { user, system } = process.cpuUsage(watch.cpu);
    sample();
    clearInterval(watch.timer);
    return {
      grownBytes: watch.peakBytes - watch.startBytes,
      peakBytes: watch.peakBytes,
      cpuMs: (user + system) / 1000,
      // The histogram holds the intervals of a timer: what is over the interval asked for is the delay.
      loopDelayMs: Math.max(0, watch.delay.max / 1e6 - RESOLUTION_MS),
    };
  },
};

answerCommands((command, args) => COMMANDS[command](...args));

function sample() {
  watch.peakBytes = Math.max(watch.peakBytes, process.memoryUsage.rss());
}

async function startProfiler() {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  return session;
}

async function writeProfile(file) {
  const { profile } = await profiler.post('Profiler.stop');
  writeFileSync(file, JSON.stringify(profile));
  profiler.disconnect();
  profiler = undefined;
}
