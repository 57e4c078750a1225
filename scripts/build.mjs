// `npm run build [-- --force] [-- pixorama chat]`: the library and the samples that are named; what
// is up to date is left as it is.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, runNode, runNpm } from './command.mjs';
import { fingerprint, isFresh, stamp } from './freshness.mjs';
import { ROOT } from './root.mjs';

const LIBRARY_SOURCES = ['lib', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'];
const CJS_OPTIONS = ['--module', 'commonjs', '--moduleResolution', 'bundler'];

const { values: options, positionals: samples } = parseArgs({
  allowPositionals: true,
  options: { force: { type: 'boolean', default: false } },
});

const unknown = samples.find((name) => !existsSync(join(ROOT, 'sample', name, 'package.json')));
if (unknown !== undefined) fail(`There is no sample '${unknown}'.`);
process.exitCode = (await buildAll()) ? 0 : 1;

async function buildAll() {
  if (!(await refresh('dist', LIBRARY_SOURCES, buildLibrary))) return false;
  for (const name of samples) {
    const folder = `sample/${name}`;
    const sources = [...LIBRARY_SOURCES, 'nest-cli.json', folder];
    if (!(await refresh(`${folder}/dist`, sources, () => buildSample(folder)))) return false;
  }
  return true;
}

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

function replaceDist(folder) {
  const dist = join(ROOT, 'dist');
  const old = join(folder, 'old');
  if (existsSync(dist)) renameSync(dist, old);
  mkdirSync(dist);
  for (const name of ['esm', 'cjs']) renameSync(join(folder, name), join(dist, name));
}

async function buildSample(folder) {
  return (await runNpm(['run', 'build', '--silent', '-w', folder])) === 0;
}
