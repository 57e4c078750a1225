import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const APPS = fileURLToPath(new URL('apps', import.meta.url));
const APP_NAMES = ['nest-11', 'nest-12'] as const;
const IS_WINDOWS = process.platform === 'win32';
const INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

export type AppName = (typeof APP_NAMES)[number];

/** A folder of its own outside the repository: nothing of its node_modules can be found from there. */
export async function createSandbox(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-streaming-')));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Packs the built package as it would be published; resolves with the tarball's path. */
export async function pack(folder: string): Promise<string> {
  const output = await npm(ROOT, [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    folder,
  ]);
  const [packed] = JSON.parse(output);
  return join(folder, packed.filename);
}

/**
 * The apps of test/package/apps, each in a folder of its own: the tarball and its own dependencies
 * installed, compiled. Waits for both, whatever becomes of one, so that nothing is written later.
 */
export async function createApps(
  folder: string,
  tarball: string,
): Promise<Record<AppName, string>> {
  const making = APP_NAMES.map(async (name) => [name, await createApp(folder, name, tarball)]);
  await Promise.allSettled(making);
  return Object.fromEntries(await Promise.all(making));
}

/**
 * A page's package beside the apps: the tarball alone installed, and nothing of Nest. It may import
 * the types of an app, which has another copy of the library.
 */
export async function createPage(folder: string, tarball: string): Promise<string> {
  const page = join(folder, 'page');
  await cp(join(APPS, 'page'), page, { recursive: true });
  await npm(page, [...INSTALL, '--omit=peer', tarball]);
  return page;
}

async function createApp(folder: string, name: AppName, tarball: string): Promise<string> {
  const app = join(folder, name);
  await cp(join(APPS, name), app, { recursive: true });
  await cp(join(APPS, 'source'), join(app, 'source'), { recursive: true });
  await cp(join(APPS, 'identity.cjs'), join(app, 'identity.cjs'));
  await npm(app, [...INSTALL, tarball]);
  await node(app, ['node_modules/typescript/bin/tsc', '-p', '.']);
  return app;
}

/** Runs a script with this Node, or with the one given; resolves with what it printed. */
export function node(cwd: string, args: string[], program = process.execPath): Promise<string> {
  return execute(program, args, cwd);
}

function npm(cwd: string, args: string[]): Promise<string> {
  return execute('npm', args, cwd);
}

/** Rejects, with everything that was printed, when the program fails. */
function execute(program: string, args: string[], cwd: string): Promise<string> {
  const options = { cwd, env: cleanEnvironment(), shell: IS_WINDOWS && program === 'npm' };
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')} failed\n${stdout}${stderr}`));
    });
  });
}

/** Without what an npm above us and vitest have set: the apps run as a user's would. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) => !/^(npm_|vitest|node_env$|node_options$)/i.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** A server in a process of its own. */
export interface ServerProcess {
  /** Of its streaming endpoint. */
  readonly url: string;
  /** What it printed so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** How it ended: its exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts an app's script; resolves once it has printed the URL of its streaming endpoint. */
export async function startServer(
  app: string,
  script = 'server',
  env: NodeJS.ProcessEnv = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [`dist/${script}.js`], {
    cwd: app,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const started = once(createInterface(child.stdout), 'line').then(([line]) => String(line));
  const url = await Promise.race([started, ended]);
  if (typeof url !== 'string' || !url.startsWith('ws:')) {
    throw new Error(`The server ended with ${url}.`);
  }
  return { url, output: () => output, kill: (signal) => void child.kill(signal), ended };
}
