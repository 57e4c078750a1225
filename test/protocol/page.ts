import { readFileSync } from 'node:fs';
import type { CodecName } from '../../lib/protocol/version.js';

export type Side = 'client' | 'server';

/** An example of PROTOCOL.md: one message. */
export interface Example {
  /** The heading it stands under. */
  readonly under: string;
  readonly codec: CodecName;
  readonly from: Side;
  readonly message: string | Uint8Array;
}

const lines = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8').split('\n');

/** The fenced examples, each with its codec and the side that sends it. */
export function readExamples(): Example[] {
  const examples: Example[] = [];
  let under = '';
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('#')) under = line.replace(/^#+ /, '');
    const [, codec, from] = /^```(json|msgpack) (client|server)$/.exec(line) ?? [];
    if (codec === undefined) continue;
    const text = lines.slice(at + 1, lines.indexOf('```', at + 1)).join('\n');
    examples.push({
      under,
      codec: codec as CodecName,
      from: from as Side,
      message: codec === 'json' ? text : Buffer.from(text.replaceAll(/\s/g, ''), 'hex'),
    });
  }
  return examples;
}

/** The rows of the first table under a heading, without its head; the cells are trimmed. */
export function readTable(heading: string): string[][] {
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`PROTOCOL.md has no heading "${heading}".`);
  const head = lines.findIndex((line, at) => at > start && line.startsWith('|'));
  const end = lines.findIndex((line, at) => at > head && !line.startsWith('|'));
  return lines.slice(head + 2, end).map(cells);
}

function cells(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** A cell without its backquotes. */
export function bare(cell: string | undefined): string {
  return (cell ?? '').replaceAll('`', '');
}
