/**
 * What is measured. `run` gets a fresh server and a connected client, and returns its figures. With
 * `blocks` it does so that many times, in turn with the other subjects.
 * `figures` names them for the table; the first one is compared: with plain `ws` of the same round
 * (`timesLess`: plain divided by ours; `timesPlain`: ours divided by plain), or with a fixed limit.
 */
const MIB = 1024 * 1024;
const STOP_MS = 3000;

export const MEASURES = [
  {
    name: 'stream-out',
    title: 'Stream out: one call, an async generator yields 200,000 items',
    figures: { cpuUs: 'server CPU, µs/item' },
    target: { timesLess: 5 },
    blocks: 3,
    warmUp: ({ client }) => client.ask('streamOut', 200_000),
    run: (pair) => measureCpu(pair, 'streamOut', 200_000),
  },
  {
    name: 'echo',
    title: 'Echo: 100,000 items through an input and back',
    figures: { cpuUs: 'server CPU, µs/item' },
    target: { timesLess: 3 },
    blocks: 3,
    warmUp: ({ client }) => client.ask('echo', 100_000),
    run: (pair) => measureCpu(pair, 'echo', 100_000),
  },
  {
    name: 'round-trip',
    title: 'There and back: one item at a time on an open call',
    figures: { p50Us: 'p50, µs', p99Us: 'p99, µs', cpuUs: 'server CPU, µs' },
    target: { timesPlain: 1.2 },
    blocks: 10,
    warmUp: ({ client }) => client.ask('roundTrips', 10_000),
    run: (pair) => measureLatency(pair, 'roundTrips', 2_000),
  },
  {
    name: 'first-item',
    title: 'First item: from opening a call, on an open connection',
    figures: { p50Us: 'p50, µs', p99Us: 'p99, µs', cpuUs: 'server CPU, µs' },
    target: { timesPlain: 1.3 },
    blocks: 10,
    warmUp: ({ client }) => client.ask('firstItems', 5_000),
    run: (pair) => measureLatency(pair, 'firstItems', 1_000),
  },
  {
    name: 'stopped-reader',
    title: 'Stopped reader: an endless output, no item taken for 3 s',
    figures: stopFigures(),
    target: { limit: 10 },
    warmUp: ({ client }) => client.ask('streamOut', 100_000),
    run: (pair) => measureStop(pair, () => {}),
  },
  {
    name: 'frozen-client',
    title: 'Frozen client: an endless output, the client process stopped for 3 s (SIGSTOP)',
    figures: stopFigures(),
    target: { limit: 10 },
    warmUp: ({ client }) => client.ask('streamOut', 100_000),
    run: (pair) => measureStop(pair, () => pair.client.freeze()),
  },
];

function stopFigures() {
  return {
    grownMib: 'RSS growth, MiB',
    heldMib: 'held heap, MiB',
    cpuMs: 'server CPU, ms',
    loopDelayMs: 'longest loop delay, ms',
  };
}

async function measureCpu({ server, client, work }, command, count) {
  await server.ask('collectGarbage');
  const { cpuUs } = await work(() => client.ask(command, count));
  return { cpuUs: cpuUs / count };
}

async function measureLatency({ client, work }, command, count) {
  const { cpuUs, result } = await work(() => client.ask(command, count));
  return { ...result, cpuUs: cpuUs / count };
}

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
  const stopped = await stop({ server, client }, freeze);
  await client.ask('read', 100_000);
  return {
    grownMib: stopped.grownBytes / MIB,
    heldMib: (stopped.heldBytes - idleBytes) / MIB,
    cpuMs: stopped.cpuMs,
    loopDelayMs: stopped.loopDelayMs,
  };
}

async function stop({ server, client }, freeze) {
  freeze();
  await server.ask('startStop');
  await new Promise((resolve) => setTimeout(resolve, STOP_MS));
  const figures = await server.ask('endStop');
  const heldBytes = await server.ask('heldBytes');
  client.thaw();
  return { ...figures, heldBytes };
}
