import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './root.mjs';

const SKIPPED = new Set(['node_modules', 'dist']);

/**
 * A fingerprint of files and folders (relative to the root), specs left out: their names and what
 * is in them. An output that was stamped with the same fingerprint needs no rebuild, whatever the clocks say.
 */
export function fingerprint(sources) {
  const hash = createHash('sha256');
  for (const file of sources.flatMap((source) => listFiles(join(ROOT, source))).sort()) {
    hash.update(`\0${relative(ROOT, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

export function isFresh(stampFile, current) {
  try {
    return readFileSync(stampFile, 'utf8') === current;
  } catch {
    return false;
  }
}

export function stamp(stampFile, current) {
  writeFileSync(stampFile, current);
}

function listFiles(path) {
  if (!statSync(path).isDirectory()) return path.endsWith('.spec.ts') ? [] : [path];
  return readdirSync(path)
    .filter((name) => !SKIPPED.has(name))
    .flatMap((name) => listFiles(join(path, name)));
}
