// `npm test`: installs what is missing, builds, checks and runs every test. The last line says
// `N passed, N failed`; a check that fails counts as one failed test.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runNode } from './command.mjs';
import { install } from './install.mjs';
import { locatePrograms } from './programs.mjs';

const CHECKS = [
  { title: 'build', args: ['scripts/build.mjs', 'pixorama', 'chat'] },
  {
    title: 'format and lint',
    args: [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'],
  },
  { title: 'types', args: [bin('typescript/bin/tsc'), '-p', '.'] },
];

await install();
const programs = await locatePrograms();
const failedChecks = await runChecks();
const counts = await runTests(programs);

for (const title of failedChecks) console.log(`Failed: ${title}`);
const passed = counts.passed + CHECKS.length - failedChecks.length;
const failed = counts.failed + failedChecks.length;
if (counts.skipped > 0) console.log(`Skipped: ${counts.skipped}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function runChecks() {
  const failures = [];
  for (const { title, args } of CHECKS) {
    console.log(`Checking: ${title}`);
    if ((await runNode(args)) !== 0) failures.push(title);
  }
  return failures;
}

async function runTests(env) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-streaming-test-'));
  const countFile = join(folder, 'counts.json');
  const reporters = ['--reporter=default', '--reporter=./scripts/count-reporter.mjs'];
  const args = [bin('vitest/vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2)];
  try {
    const code = await runNode(args, { env: { ...env, COUNT_FILE: countFile } });
    return withExitCode(readCounts(countFile), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** vitest may fail for a reason that is no test's: a bad option, no test found, a crash. */
function withExitCode(counts, code) {
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function bin(path) {
  return join('node_modules', path);
}
