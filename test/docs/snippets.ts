import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A piece of TypeScript in a page of the docs. */
export interface Snippet {
  /** Where it stands: `README.md:12`. */
  readonly place: string;
  /** The file it says it is, in its first line: `// src/app.module.ts`. */
  readonly path: string;
  readonly code: string;
}

/** The pages whose snippets are held to compile. */
export function pages(): string[] {
  const guide = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...guide.map((name) => `docs/${name}`)];
}

/** The TypeScript of one page, in order. A fence without a path gets one of its own. */
export function snippets(page: string): Snippet[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const found: Snippet[] = [];
  for (const match of text.matchAll(/^```ts\n(.*?)^```/gms)) {
    const code = match[1] ?? '';
    const line = text.slice(0, match.index).split('\n').length;
    const path = /^\/\/ ([\w./-]+\.ts)/.exec(code)?.[1] ?? `snippet-${line}.ts`;
    found.push({ place: `${page}:${line}`, path, code });
  }
  return found;
}
