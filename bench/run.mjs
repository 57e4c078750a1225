/** `npm run bench`: see README.md beside this file. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Child, canPin } from './child.mjs';
import { MEASURES } from './measures.mjs';
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
if (measures.length === 0) {
  fail(
    `No measure is called ${filters.join(' or ')}: ${MEASURES.map(({ name }) => name).join(', ')}`,
  );
}

const summaries = [];
if (!options.json) printSetting(canPin, rounds);
for (const measure of measures) {
  const summary = summarise(measure, subjects, await runRounds(measure));
  summaries.push(summary);
  if (!options.json) printMeasure(summary);
}
if (options.json)
  console.log(JSON.stringify({ node: process.version, canPin, rounds, summaries }, null, 2));

function isWanted(name) {
  return filters.length === 0 || filters.some((filter) => name.includes(filter));
}

/** Every subject once per round, so that a machine that grows slower or faster does so for all. */
async function runRounds(measure) {
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    const result = new Map();
    for (const subject of subjects) result.set(subject, await runOnce(measure, subject, round));
    results.push(result);
  }
  return results;
}

async function runOnce(measure, subject, round) {
  const server = new Child('server-process.mjs', 1);
  const client = new Child('client-process.mjs', 0);
  try {
    const { url } = await server.ask('listen', moduleOf(subject.server), subject);
    await client.ask('connect', moduleOf(subject.client), { ...subject, url });
    const profileFile = profileOf(measure, subject, round);
    return await measure.run({ server, client, work: (...args) => work(profileFile, ...args) });
  } catch (error) {
    error.message = `${measure.name}, ${subject.name}: ${error.message}`;
    throw error;
  } finally {
    client.kill();
    server.kill();
  }
}

async function work(profileFile, server, run) {
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
