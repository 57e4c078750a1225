import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, runNpm } from './command.mjs';
import { ROOT } from './root.mjs';

const OLDEST_NODE = [20, 19];

/** Installs what package-lock.json lists, unless node_modules holds exactly that. */
export async function install() {
  checkNode();
  if (isInstalled()) return;
  console.log('Installing the dependencies (npm ci).');
  const code = await runNpm(['ci', '--loglevel=error']);
  if (code !== 0) fail('npm ci failed: see above.');
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  if (isOld) fail(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version}.`);
}

/**
 * npm writes what it installed into node_modules/.package-lock.json. The two are compared by content:
 * the times of the files say little, because `npm install` writes both and git sets its own.
 */
function isInstalled() {
  const installed = readPackages(join(ROOT, 'node_modules', '.package-lock.json'));
  const wanted = readPackages(join(ROOT, 'package-lock.json'));
  return Object.entries(wanted).every(([path, entry]) => {
    const isElsewhere = !path.startsWith('node_modules/');
    return isElsewhere || entry.optional || entry.devOptional || isSame(installed[path], entry);
  });
}

function isSame(installed, wanted) {
  if (installed === undefined) return false;
  return installed.version === wanted.version && installed.integrity === wanted.integrity;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return {};
  }
}
