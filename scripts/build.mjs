// `npm run build [-- --force] [-- pixorama]`: the library and, if it is named, the sample; what is
// up to date is left as it is.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runNode, runNpm } from './command.mjs';
import { fingerprint, isFresh, stamp } from './freshness.mjs';
import { ROOT } from './root.mjs';

const LIBRARY_SOURCES = ['lib', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'];
const PIXORAMA_SOURCES = [...LIBRARY_SOURCES, 'nest-cli.json', 'sample/pixorama'];
const CJS_OPTIONS = ['--module', 'commonjs', '--moduleResolution', 'bundler'];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { force: { type: 'boolean', default: false } },
});

const isBuilt =
  (await refresh('dist', LIBRARY_SOURCES, buildLibrary)) &&
  (!positionals.includes('pixorama') ||
    (await refresh('sample/pixorama/dist', PIXORAMA_SOURCES, buildPixorama)));
process.exitCode = isBuilt ? 0 : 1;

async function refresh(output, sources, build) {
  const stampFile = join(ROOT, output, '.sources');
  const current = fingerprint(sources);
  if (!options.force && isFresh(stampFile, current)) return true;
  console.log(`Building ${output}`);
  if (!(await build())) return false;
  stamp(stampFile, current);
  return true;
}

/** Both passes go to a folder of their own first: whoever uses dist meanwhile sees a whole one. */
async function buildLibrary() {
  const folder = join(ROOT, `.build-${process.pid}`);
  try {
    // One after the other, so that an error in the sources is told once.
    if ((await compile(join(folder, 'esm'), [])) !== 0) return false;
    if ((await compile(join(folder, 'cjs'), CJS_OPTIONS)) !== 0) return false;
    writeCommonJsPackage(join(folder, 'cjs'));
    shareBrand(join(folder, 'cjs'));
    replaceDist(folder);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compile(outDir, moduleOptions) {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  return runNode([tsc, '-p', 'tsconfig.build.json', '--outDir', outDir, ...moduleOptions]);
}

function writeCommonJsPackage(folder) {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'commonjs' }));
}

/**
 * A unique symbol is another one in each declaration file, so the CommonJS declarations take the
 * brand of injected parameters from the ESM ones: a client of either kind knows a server of the other.
 */
function shareBrand(folder) {
  const brand =
    "export type * from '../../esm/model/injected.js' with { 'resolution-mode': 'import' };";
  writeFileSync(join(folder, 'model/injected.d.ts'), `${brand}\n`);
}

function replaceDist(folder) {
  const dist = join(ROOT, 'dist');
  const old = join(folder, 'old');
  if (existsSync(dist)) renameSync(dist, old);
  mkdirSync(dist);
  for (const name of ['esm', 'cjs']) renameSync(join(folder, name), join(dist, name));
}

async function buildPixorama() {
  return (await runNpm(['run', 'build', '--silent', '-w', 'sample/pixorama'])) === 0;
}
