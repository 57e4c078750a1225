import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { answers, fail, run } from './command.mjs';

/** The programs that the tests and samples start: how they are called, and the packages that bring them. */
const PROGRAMS = [
  {
    title: 'redis-server',
    variable: 'REDIS_SERVER',
    names: ['redis-server', 'valkey-server'],
    packages: { 'apt-get': 'redis-server', apk: 'redis', dnf: 'redis', brew: 'redis' },
  },
  {
    title: 'Chromium',
    variable: 'CHROMIUM',
    names: [
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    packages: { 'apt-get': 'chromium', apk: 'chromium', dnf: 'chromium', brew: 'chromium' },
  },
];

const MANAGERS = [
  {
    name: 'apt-get',
    needsRoot: true,
    refresh: ['update', '-qq'],
    install: ['install', '-y', '-qq', '--no-install-recommends'],
  },
  { name: 'apk', needsRoot: true, refresh: ['update', '--quiet'], install: ['add', '--quiet'] },
  { name: 'dnf', needsRoot: true, install: ['install', '-y', '--quiet'] },
  { name: 'brew', needsRoot: false, install: ['install', '--quiet'] },
];

/**
 * Finds each program, or installs it where that is allowed. Resolves with the environment variables
 * that tell the tests where they are.
 */
export async function locatePrograms() {
  const found = {};
  for (const program of PROGRAMS) found[program.variable] = await locate(program);
  return found;
}

/** Finds or installs one of them, by its variable; resolves with its path. */
export function locateProgram(variable) {
  return locate(PROGRAMS.find((program) => program.variable === variable));
}

async function locate(program) {
  const given = process.env[program.variable];
  if (given) return checkGiven(program, given);
  const found = find(program);
  if (found) return found;
  const manager = await installPackage(program);
  const installed = find(program);
  if (!installed) fail(howToGet(program));
  console.log(`${program.title} was missing; installed it with ${manager}: ${installed}`);
  return installed;
}

function checkGiven({ title, variable }, path) {
  if (answers(path, ['--version'])) return path;
  return fail(`${variable} is set to ${path}, but no ${title} runs there.`);
}

/** Asks each candidate for its version: a snap's or a package's stub is found, but does not run. */
function find({ names }) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names
    .flatMap((name) =>
      name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name)),
    )
    .find((path) => existsSync(path) && answers(path, ['--version']));
}

async function installPackage(program) {
  const manager = MANAGERS.find(({ name }) => answers(name, ['--version']));
  const prefix = manager && privilege(manager);
  if (!prefix) return fail(howToGet(program));
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const act = (args) => {
    const [first, ...rest] = [...prefix, manager.name, ...args];
    return run(first, rest, { env });
  };
  console.log(`${program.title} is missing; installing it with ${manager.name}.`);
  if (manager.refresh) await act(manager.refresh);
  await act([...manager.install, program.packages[manager.name]]);
  return manager.name;
}

/** What stands before the package manager's name, or undefined where it may not be used. */
function privilege({ needsRoot }) {
  if (!needsRoot || process.getuid?.() === 0) return [];
  return answers('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function howToGet({ title, variable, packages }) {
  const names = Object.entries(packages).map(([manager, name]) => `${name} (${manager})`);
  return (
    `${title} is needed, and it could not be installed from here. ` +
    `Install the package ${names.join(', ')}, or set ${variable} to the program's path.`
  );
}
