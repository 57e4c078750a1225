import { FAN_OUT_MEASURES } from './fan-out.mjs';
import { MEMORY_MEASURES } from './memory.mjs';
import { ENGINE_SUBJECTS, TYPED_SUBJECTS } from './subjects.mjs';

/**
 * What is measured, on which subjects. `run` gets a fresh server and a connected client, warmed up,
 * and returns its figures. With `blocks` it does so that many times, in turn with the other subjects;
 * without, all subjects do it side by side. `mostRounds` is for what takes long.
 * `figures` names them for the table; the first one is compared: with plain `ws` of the same round
 * (`timesLess`: plain divided by ours; `timesPlain`: ours divided by plain), or with a fixed limit.
 */
const CALL_MEASURES = [
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
    run: (pair) => measureLatency(pair, 'roundTrips', 1_000),
  },
  {
    name: 'first-item',
    title: 'First item: from opening a call, on an open connection',
    figures: { p50Us: 'p50, µs', p99Us: 'p99, µs', cpuUs: 'server CPU, µs' },
    target: { timesPlain: 1.3 },
    blocks: 10,
    warmUp: ({ client }) => client.ask('firstItems', 3_000),
    run: (pair) => measureLatency(pair, 'firstItems', 500),
  },
].map((measure) => ({ ...measure, subjects: TYPED_SUBJECTS, more: ENGINE_SUBJECTS }));

export const MEASURES = [...CALL_MEASURES, ...FAN_OUT_MEASURES, ...MEMORY_MEASURES];

async function measureCpu({ server, client, work }, command, count) {
  await server.ask('collectGarbage');
  const { cpuUs } = await work(() => client.ask(command, count));
  return { cpuUs: cpuUs / count };
}

async function measureLatency({ client, work }, command, count) {
  const { cpuUs, result } = await work(() => client.ask(command, count));
  return { ...result, cpuUs: cpuUs / count };
}
