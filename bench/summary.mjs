import { median, medians } from './statistics.mjs';

/**
 * One measure over all rounds: the median of every figure, and per subject what is compared, as
 * median and range, and whether it reaches the target. Plain `ws` has none.
 */
export function summarise(measure, subjects, rounds) {
  const { name, title, figures, target } = measure;
  const rows = subjects.map((subject) => summariseSubject(measure, subject, subjects, rounds));
  return { name, title, figures, target, rounds: rounds.length, rows };
}

function summariseSubject({ figures, target }, subject, subjects, rounds) {
  const plain = subjects.find(({ isPlain }) => isPlain);
  const runs = rounds.map((round) => round.get(subject));
  const first = Object.keys(figures)[0];
  const compared = rounds.map((round) =>
    compare(target, round.get(subject)[first], round.get(plain)?.[first]),
  );
  return {
    subject: subject.name,
    medians: medians(runs),
    compared: median(compared),
    range: [Math.min(...compared), Math.max(...compared)],
    isReached: subject.isPlain ? undefined : isReached(target, median(compared)),
    runs,
  };
}

function compare(target, figure, plain) {
  if (target.timesLess) return plain / figure;
  if (target.timesPlain) return figure / plain;
  return figure;
}

function isReached(target, value) {
  return target.timesLess
    ? value >= target.timesLess
    : value <= (target.timesPlain ?? target.limit);
}
