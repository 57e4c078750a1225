/** `npm run bench`: see README.md beside this file. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Child, canPin } from './child.mjs';
import { MEASURES } from './measures.mjs';
import { measureSerialisation, SERIALISATION } from './serialisation.mjs';
import { medians } from './statistics.mjs';
import { ENGINE_SUBJECTS, SUBJECTS } from './subjects.mjs';
import { summarise } from './summary.mjs';
import { printMeasure, printSetting } from './table.mjs';

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    engine: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});

const rounds = options.quick ? 1 : 5;
const subjects = options.engine ? [...SUBJECTS, ...ENGINE_SUBJECTS] : SUBJECTS;
const measures = MEASURES.filter(({ name }) => isWanted(name));
const wantsSerialisation = isWanted(SERIALISATION);
if (measures.length === 0 && !wantsSerialisation) {
  const names = [...MEASURES.map(({ name }) => name), SERIALISATION];
  fail(`No measure is called ${filters.join(' or ')}: ${names.join(', ')}`);
}

process.on('exit', () => Child.killAll());
process.once('SIGINT', () => process.exit(130));

const summaries = [];
if (!options.json && measures.length > 0) printSetting(canPin, rounds);
for (const measure of measures) {
  const summary = summarise(measure, subjects, await runRounds(measure));
  summaries.push(summary);
  if (!options.json) printMeasure(summary);
}
const serialisation = wantsSerialisation
  ? measureSerialisation({ rounds: options.quick ? 3 : 15, isSilent: options.json })
  : undefined;
if (options.json) {
  const all = { node: process.version, canPin, rounds, summaries, serialisation };
  console.log(JSON.stringify(all, null, 2));
}

function isWanted(name) {
  return filters.length === 0 || filters.some((filter) => name.includes(filter));
}

/** Every subject in each round, so that a machine that grows slower or faster does so for all. */
async function runRounds(measure) {
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    const runRound = measure.blocks === undefined ? runInTurn : runInBlocks;
    results.push(await runRound(measure, round));
  }
  return results;
}

async function runInTurn(measure, round) {
  const results = new Map();
  for (const subject of subjects) {
    await withPairs([subject], measure, round, async ([pair]) => {
      await measure.warmUp(pair);
      results.set(subject, await measure.run(pair));
    });
  }
  return results;
}

/**
 * For figures that follow the machine's mood: all subjects stand ready and take turns in short blocks.
 * What is idle costs nothing.
 */
async function runInBlocks(measure, round) {
  const blocks = new Map(subjects.map((subject) => [subject, []]));
  await withPairs(subjects, measure, round, async (pairs) => {
    for (const pair of pairs) await measure.warmUp(pair);
    for (let i = 0; i < measure.blocks; i++) {
      for (const pair of pairs) blocks.get(pair.subject).push(await measure.run(pair));
    }
  });
  return new Map([...blocks].map(([subject, runs]) => [subject, medians(runs)]));
}

async function withPairs(subjects, measure, round, use) {
  const pairs = subjects.map((subject) => createPair(measure, subject, round));
  for (const pair of pairs) await connect(pair);
  await use(pairs);
  for (const { server, client } of pairs) {
    client.kill();
    server.kill();
  }
}

function createPair(measure, subject, round) {
  const server = new Child('server-process.mjs', 1);
  const client = new Child('client-process.mjs', 0);
  const profileFile = profileOf(measure, subject, round);
  return { subject, server, client, work: (run) => work(server, profileFile, run) };
}

async function connect({ subject, server, client }) {
  const { url } = await server.ask('listen', moduleOf(subject.server), subject);
  await client.ask('connect', moduleOf(subject.client), { ...subject, url });
}

async function work(server, profileFile, run) {
  await server.ask('startWork', profileFile !== undefined);
  const result = await run();
  return { result, ...(await server.ask('endWork', profileFile)) };
}

function moduleOf(file) {
  return new URL(`subjects/${file}`, import.meta.url).href;
}

function profileOf(measure, subject, round) {
  if (options.profile === undefined) return undefined;
  mkdirSync(options.profile, { recursive: true });
  const name = `${measure.name} ${subject.name} ${round}`.replace(/\W+/g, '-').toLowerCase();
  return join(resolve(options.profile), `${name}.cpuprofile`);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(2);
}
