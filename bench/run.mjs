/** `npm run bench`: see README.md beside this file. */
import { parseArgs } from 'node:util';
import { AUTH, measureAuth } from './auth.mjs';
import { BUS, measureBus } from './bus.mjs';
import { Child, canPin } from './child.mjs';
import { MEASURES } from './measures.mjs';
import { runRounds } from './rounds.mjs';
import { measureSerialisation, SERIALISATION } from './serialisation.mjs';
import { summarise } from './summary.mjs';
import { printMeasure, printSetting, printSummary } from './table.mjs';

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    engine: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});

const rounds = options.quick ? 1 : Number(options.rounds);
const measures = MEASURES.filter(({ name }) => isWanted(name));
const wantsSerialisation = isWanted(SERIALISATION);
const wantsBus = isWanted(BUS);
const wantsAuth = isWanted(AUTH);
if (!Number.isSafeInteger(rounds) || rounds < 1) fail('--rounds takes a whole number from 1.');
if (measures.length === 0 && !wantsSerialisation && !wantsBus && !wantsAuth) {
  const names = [...MEASURES.map(({ name }) => name), SERIALISATION, BUS, AUTH];
  fail(`No measure is called ${filters.join(' or ')}: ${names.join(', ')}`);
}

process.on('exit', () => Child.killAll());
process.once('SIGINT', () => process.exit(130));

const summaries = [];
if (!options.json && measures.length > 0) printSetting(canPin);
for (const measure of measures) {
  const summary = await run(measure);
  summaries.push(summary);
  if (!options.json) printMeasure(summary);
}
const serialisation = wantsSerialisation
  ? measureSerialisation({ rounds: options.quick ? 3 : 15, isSilent: options.json })
  : undefined;
const bus = wantsBus ? await measureBus({ rounds, isSilent: options.json }) : undefined;
const auth = wantsAuth ? await measureAuth({ rounds, isSilent: options.json }) : undefined;
if (options.json) {
  const all = { node: process.version, canPin, rounds, summaries, serialisation, bus, auth };
  console.log(JSON.stringify(all, null, 2));
} else if (summaries.length > 1) printSummary(summaries);

function isWanted(name) {
  return filters.length === 0 || filters.some((filter) => name.includes(filter));
}

async function run(measure) {
  const { mostRounds = rounds, more = [] } = measure;
  const subjects = options.engine ? [...measure.subjects, ...more] : measure.subjects;
  const results = await runRounds(measure, subjects, Math.min(rounds, mostRounds), options.profile);
  return summarise(measure, subjects, results);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(2);
}
