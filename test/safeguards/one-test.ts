import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report, Result } from './result-reporter.js';
import { editsOf, type Safeguard } from './safeguard.js';
import { VARIABLE } from './switch-off.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const CONFIG = 'test/safeguards/vitest.config.ts';
const WAIT_MS = 2_000;

/**
 * Runs the test of a safeguard in a vitest of its own, with the safeguard switched off. Gives what
 * was run: that test alone, where it is found.
 *
 * @throws Error with what was said where nothing could be run.
 */
export async function runSwitchedOff(safeguard: Safeguard): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'safeguard-'));
  try {
    const file = join(folder, 'result.json');
    const said = await runVitest(safeguard, file);
    const report = JSON.parse(await readFile(file, 'utf8').catch(() => fail(said))) as Report;
    const results = report.results.filter(({ state }) => state !== 'skipped');
    return results.length === 0 && report.broken.length > 0 ? fail(report.broken.join()) : results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Resolves with what it has said. */
async function runVitest(safeguard: Safeguard, resultFile: string): Promise<string> {
  const { spec, test, waitMs = WAIT_MS } = safeguard;
  const args = ['run', '--config', CONFIG, spec, '-t', toPattern(test)];
  const child = spawn(process.execPath, [VITEST, ...args], {
    cwd: ROOT,
    env: {
      ...process.env,
      [VARIABLE]: JSON.stringify(editsOf(safeguard)),
      SAFEGUARD_WAIT_MS: String(waitMs),
      RESULT_FILE: resultFile,
    },
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (it) => said.push(`${it}`));
  await once(child, 'close');
  return said.join('');
}

function toPattern(title: string): string {
  return `^${title.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;
}

function fail(reason: string): never {
  throw new Error(`The test could not be run: ${reason}`);
}
