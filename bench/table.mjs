import { loadavg } from 'node:os';

/** Tables in Markdown, so that they can be pasted into a note as they are. */
export function printSetting(canPin, rounds) {
  const pinning = canPin
    ? 'a core each'
    : 'NOT pinned (no taskset, or one core): expect more noise';
  const runs = rounds === 1 ? 'one run' : `median of ${rounds} alternating runs`;
  console.log(`Node ${process.version}; server and load client on ${pinning}; ${runs}.`);
  const load = loadavg()[0];
  if (load > 0.5)
    console.log(`The machine was not quiet at the start: load average ${load.toFixed(1)}.`);
}

export function printMeasure({ title, figures, target, rows }) {
  const header = ['', ...Object.values(figures), ...comparisonHeader(target)];
  const lines = rows.map((row) => [
    row.subject,
    ...Object.keys(figures).map((key) => round(row.medians[key])),
    ...comparison(row, target),
  ]);
  console.log(`\n${title}\n`);
  printRows([header, ...lines]);
}

function comparisonHeader(target) {
  if (target.timesLess) return ['times less', 'range', `target ≥ ${target.timesLess}`];
  if (target.timesPlain) return ['times plain', 'range', `target ≤ ${target.timesPlain}`];
  return ['range', `target ≤ ${target.limit}`];
}

function comparison({ compared, range, isReached }, target) {
  const spread = range.map(round).join(' to ');
  const verdict = isReached === undefined ? '-' : isReached ? 'reached' : 'MISSED';
  return target.limit ? [spread, verdict] : [round(compared), spread, verdict];
}

/** A header and rows of texts. */
export function printRows(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const [header, ...body] = lines.map((line) => printLine(line, widths));
  const rule = `|${widths.map((width, i) => '-'.repeat(width + 1) + (i ? ':' : '-')).join('|')}|`;
  console.log([header, rule, ...body].join('\n'));
}

function printLine(line, widths) {
  const cells = line.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
  return `| ${cells.join(' | ')} |`;
}

function round(value) {
  return value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
}
