import { deepStrictEqual } from 'node:assert';
import { parseArgs } from 'node:util';
import { median } from '../statistics.mjs';
import { Child, createOtherModels, Flat, makeFlat, makeNested, Nested } from './models.mjs';
import { createPlainPath, createStreamPath } from './paths.mjs';

/** Measures in a process of its own, because which classes were met before decides much. */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    others: { type: 'string' },
    rounds: { type: 'string' },
  },
});

const BATCH = 64;
const BATCHES = 8;
const BLOCK_MS = 40;

const SUBJECTS = {
  flat: { model: Flat, make: makeFlat },
  nested: { model: Nested, make: makeNested },
};

const others = createOtherModels(Number(values.others));
const classes = [Flat, Child, Nested, ...others.map(({ model }) => model)];
const paths = [
  createPlainPath(),
  createStreamPath('json', classes),
  createStreamPath('msgpack', classes),
];
const { model, make } = SUBJECTS[values.model];
const batches = Array.from({ length: BATCHES }, (_, i) =>
  Array.from({ length: BATCH }, (_, j) => make(i * BATCH + j)),
);

for (const path of paths) meetOthers(path);
// A type is announced with its first instance, so the messages measured hold no announcements.
for (const path of paths) path.decode(path.encode(batches[0]), model);
const messages = new Map(paths.map((path) => [path, batches.map((it) => path.encode(it))]));
for (const path of paths) check(path);
for (const path of paths) measure(path);
console.log(JSON.stringify(summarise(runRounds())));

/** Every other model passes often enough to be compiled for. */
function meetOthers(path) {
  for (let i = 0; i < 50; i++) {
    for (const { model, make } of others) path.decode(path.encode([make()]), model);
  }
}

/** What arrives is the same with every path. */
function check(path) {
  const expected = paths[0].decode(messages.get(paths[0])[0], model);
  deepStrictEqual(path.decode(messages.get(path)[0], model), expected);
}

function runRounds() {
  const rounds = new Map(paths.map((path) => [path, []]));
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const path of paths) rounds.get(path).push(measure(path));
  }
  return rounds;
}

function measure(path) {
  const encodeUs = time((i) => path.encode(batches[i % BATCHES]));
  const decodeUs = time((i) => path.decode(messages.get(path)[i % BATCHES], model));
  return { encodeUs, decodeUs, bothUs: encodeUs + decodeUs };
}

/** Microseconds of CPU for one instance: others may use the machine, too. */
function time(run) {
  const end = performance.now() + BLOCK_MS;
  const start = process.cpuUsage();
  let count = 0;
  while (performance.now() < end) run(count++);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / (count * BATCH);
}

/** Compared within each round: the medians of the figures, and of how many times less they are. */
function summarise(rounds) {
  const plain = rounds.get(paths[0]);
  return paths.map((path) => {
    const own = rounds.get(path);
    const of = (key) => median(own.map((it) => it[key]));
    const times = (key) => median(own.map((it, i) => plain[i][key] / it[key]));
    return {
      path: path.name,
      codec: path.codec,
      figures: [of('encodeUs'), of('decodeUs'), of('bothUs')],
      times: [times('encodeUs'), times('decodeUs'), times('bothUs')],
    };
  });
}
