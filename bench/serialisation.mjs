import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { printRows } from './table.mjs';

/** What `npm run bench -- serialisation` measures: no server, so no rounds of processes. */
export const SERIALISATION = 'serialisation';

/** How many other models an app has, and none: then class-transformer is at its fastest. */
const OTHERS = [50, 0];
const MODELS = [
  { name: 'flat', title: 'four fields', targets: { json: 10, msgpack: 20 } },
  { name: 'nested', title: 'dates, 20 children, exclusions', targets: { json: 5, msgpack: 10 } },
];

const HEADER = ['', 'encode, µs', 'decode, µs', 'both, µs', 'encode ×', 'decode ×', 'both ×'];

/** Runs each model in a process of its own; gives the results, and prints them unless told not to. */
export function measureSerialisation({ rounds, isSilent }) {
  if (!isSilent) printSetting(rounds);
  return MODELS.flatMap(({ name, title, targets }) =>
    OTHERS.map((others) => {
      const results = run(name, others, rounds);
      if (!isSilent) print(`Serialisation, ${name}: ${title}; ${beside(others)}`, results, targets);
      return { model: name, others, results };
    }),
  );
}

function run(model, others, rounds) {
  const file = fileURLToPath(new URL('serialisation/process.mjs', import.meta.url));
  const options = ['--model', model, '--others', String(others), '--rounds', String(rounds)];
  return JSON.parse(execFileSync(process.execPath, [file, ...options], { encoding: 'utf8' }));
}

function beside(others) {
  return others === 0 ? 'alone in its process' : `${others} other models in use`;
}

function print(title, results, targets) {
  const rows = results.map(({ path, figures, times, codec }) => [
    path,
    ...figures.map((it) => it.toFixed(2)),
    ...times.map((it) => it.toFixed(1)),
    verdict(times.at(-1), targets[codec]),
  ]);
  console.log(`\n${title}\n`);
  printRows([[...HEADER, 'target'], ...rows]);
}

function verdict(times, target) {
  if (target === undefined) return '-';
  return `≥ ${target}: ${times >= target ? 'reached' : 'MISSED'}`;
}

function printSetting(rounds) {
  console.log(
    `Node ${process.version}; medians of ${rounds} alternating rounds, times less within each.`,
  );
  const load = loadavg()[0];
  if (load > 0.5)
    console.log(`The machine was not quiet at the start: load average ${load.toFixed(1)}.`);
}
