import { loadavg } from 'node:os';

/** Tables in Markdown, so that they can be pasted into a note as they are. */
export function printSetting(canPin) {
  const pinning = canPin
    ? 'a core each'
    : 'NOT pinned (no taskset, or one core): expect more noise';
  console.log(`Node ${process.version}; server and load client on ${pinning}.`);
  const load = loadavg()[0];
  if (load > 0.5)
    console.log(`The machine was not quiet at the start: load average ${load.toFixed(1)}.`);
}

export function printMeasure({ title, figures, target, rounds, rows }) {
  const header = ['', ...Object.values(figures), ...comparisonHeader(target)];
  const lines = rows.map((row) => [
    row.subject,
    ...Object.keys(figures).map((key) => round(row.medians[key])),
    ...comparison(row, target),
  ]);
  console.log(`\n${title} (${rounds === 1 ? 'one round' : `median of ${rounds} rounds`})\n`);
  printRows([header, ...lines]);
}

/** What was asked of every subject of all measures, and what came out. */
export function printSummary(summaries) {
  const lines = summaries.flatMap(({ name, figures, target, rows }) =>
    rows
      .filter(({ isReached }) => isReached !== undefined)
      .map((row) => [
        name,
        row.subject,
        comparedAs(target, figures),
        round(row.compared),
        spread(row),
        bound(target),
        verdict(row),
      ]),
  );
  console.log('\nSummary\n');
  printRows([['measure', 'subject', 'compared', 'median', 'range', 'target', ''], ...lines]);
}

function comparisonHeader(target) {
  const title = `target ${bound(target)}`;
  if (target.timesLess) return ['times less', 'range', title];
  if (target.timesPlain) return ['times plain', 'range', title];
  return ['range', title];
}

function comparison(row, target) {
  const cells = [spread(row), verdict(row)];
  return target.limit ? cells : [round(row.compared), ...cells];
}

function comparedAs(target, figures) {
  const figure = Object.values(figures)[0];
  if (target.limit) return figure;
  const name = figure.split(',')[0];
  return target.timesLess ? `${name}, times less than plain ws` : `${name}, times plain ws`;
}

function bound({ timesLess, timesPlain, limit }) {
  return timesLess ? `≥ ${timesLess}` : `≤ ${timesPlain ?? limit}`;
}

function spread({ range }) {
  return range.map(round).join(' to ');
}

function verdict({ isReached }) {
  if (isReached === undefined) return '-';
  return isReached ? 'reached' : 'MISSED';
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
