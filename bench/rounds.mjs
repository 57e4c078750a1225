import { profileFile, withPairs } from './pairs.mjs';
import { medians } from './statistics.mjs';

/**
 * All subjects in each round, so that a machine that grows slower or faster does so for all. Gives
 * the figures of every round, by subject; with a `folder`, profiles go there.
 */
export async function runRounds(measure, subjects, rounds, folder) {
  const run = measure.blocks === undefined ? runSideBySide : runInBlocks;
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    const profile = ({ name }) => folder && profileFile(folder, measure.name, name, round);
    await withPairs(subjects, profile, async (pairs) => results.push(await run(measure, pairs)));
  }
  return results;
}

/** For memory: standing still costs no time, and one process's memory is not another's. */
async function runSideBySide(measure, pairs) {
  const runs = pairs.map(async (pair) => {
    await measure.warmUp?.(pair);
    return [pair.subject, await measure.run(pair)];
  });
  return new Map(await Promise.all(runs));
}

/**
 * For figures that follow the machine's mood: all subjects stand ready and take turns in short blocks.
 * What is idle costs nothing.
 */
async function runInBlocks(measure, pairs) {
  const blocks = new Map(pairs.map(({ subject }) => [subject, []]));
  for (const pair of pairs) await measure.warmUp(pair);
  for (let i = 0; i < measure.blocks; i++) {
    for (const pair of pairs) blocks.get(pair.subject).push(await measure.run(pair));
  }
  return new Map([...blocks].map(([subject, runs]) => [subject, medians(runs)]));
}
