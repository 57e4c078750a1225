import { CROWD_SUBJECTS, ENGINE_SUBJECTS, UNTYPED_SUBJECTS } from './subjects.mjs';

/** What a server holds while streams stand still, and whether they go on where they stood. */
const MIB = 1024 * 1024;
const STOP_MS = 3000;
const CROWD_STOP_MS = 20_000;
/** A MiB for each of 50 clients, which is what its four streams may have unread, and 32 for the server. */
const CROWD_LIMIT_MIB = 50 + 32;

const FIGURES = {
  grownMib: 'RSS growth, MiB',
  heldMib: 'held, MiB',
  peakMib: 'RSS, MiB',
  cpuMs: 'server CPU, ms',
  loopDelayMs: 'longest loop delay, ms',
};

const STOP_MEASURES = [
  {
    name: 'stopped-reader',
    title: 'Stopped reader: an endless output, no item taken for 3 s',
    run: (pair) => measureStop(pair, () => {}),
  },
  {
    name: 'frozen-client',
    title: 'Frozen client: an endless output, the client process stopped for 3 s (SIGSTOP)',
    run: (pair) => measureStop(pair, () => pair.client.freeze()),
  },
].map((measure) => ({
  ...measure,
  figures: FIGURES,
  target: { limit: 10 },
  mostRounds: 3,
  subjects: UNTYPED_SUBJECTS,
  more: ENGINE_SUBJECTS,
  warmUp: ({ client }) => client.ask('streamOut', 100_000),
}));

const CROWD_MEASURES = [
  {
    name: 'stopped-crowd',
    title:
      'Stopped crowd: 50 clients take nothing of four endless outputs of 16 KiB items for 20 s',
    run: measureStoppedCrowd,
  },
  {
    name: 'flooding-crowd',
    title: 'Flooding crowd: 50 clients flood four inputs each, of which one item a second is taken',
    run: measureFloodingCrowd,
  },
].map((measure) => ({
  ...measure,
  figures: FIGURES,
  target: { limit: CROWD_LIMIT_MIB },
  mostRounds: 2,
  subjects: CROWD_SUBJECTS,
}));

export const MEMORY_MEASURES = [...STOP_MEASURES, ...CROWD_MEASURES];

/**
 * Memory is compared with the same server before the endless output was opened, its heap as large as a
 * stream makes it. The client checks ids before and after the stop: nothing may be missing or disordered.
 */
async function measureStop({ server, client }, freeze) {
  const idleBytes = await server.ask('heldBytes');
  await client.ask('streamOut', 200_000);
  await server.ask('startWatch');
  await client.ask('startEndless');
  await client.ask('read', 100_000);
  freeze();
  const stopped = await watchStop(server, STOP_MS, idleBytes);
  client.thaw();
  await client.ask('read', 100_000);
  return stopped;
}

async function measureStoppedCrowd({ server, client }) {
  const idleBytes = await server.ask('heldBytes');
  await server.ask('startWatch');
  await client.ask('startOutputs');
  await client.ask('readOutputs', 50);
  const stopped = await watchStop(server, CROWD_STOP_MS, idleBytes);
  await client.ask('readOutputs', 200);
  return stopped;
}

async function measureFloodingCrowd({ server, client }) {
  const idleBytes = await server.ask('heldBytes');
  await server.ask('startWatch');
  await client.ask('startFloods', CROWD_STOP_MS / 1000 + 1);
  const stopped = await watchStop(server, CROWD_STOP_MS, idleBytes);
  await client.ask('endFloods', 100);
  return stopped;
}

async function watchStop(server, stopMs, idleBytes) {
  await server.ask('startStop');
  await new Promise((resolve) => setTimeout(resolve, stopMs));
  const { grownBytes, peakBytes, cpuMs, loopDelayMs } = await server.ask('endStop');
  const heldBytes = await server.ask('heldBytes');
  return {
    grownMib: grownBytes / MIB,
    heldMib: (heldBytes - idleBytes) / MIB,
    peakMib: peakBytes / MIB,
    cpuMs,
    loopDelayMs,
  };
}
