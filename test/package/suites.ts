import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { node, ROOT } from './sandbox.js';

/** What the suites take from this repository; all else they find in the app they run in. */
const FROM_HERE = ['vitest', 'vite', 'zod', 'valibot', 'ioredis'];

/** The folders of the suites that say how the library behaves in a Nest application. */
const FOLDERS = ['nest', 'ecosystem'];

const CONFIG = `export default {
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: { include: ['test/**/*.spec.ts'], testTimeout: 30_000, hookTimeout: 60_000 },
};
`;

/** What became of a suite's tests. */
export interface SuiteResult {
  readonly passed: number;
  /** The titles of those that failed, with the reason. */
  readonly failed: string[];
}

/** The suites' files, such as `nest/calls.spec.ts`. */
export async function listSuites(): Promise<string[]> {
  const files = FOLDERS.map(async (folder) => {
    const names = await readdir(join(ROOT, 'test', folder));
    return names.filter((it) => it.endsWith('.spec.ts')).map((it) => `${folder}/${it}`);
  });
  return (await Promise.all(files)).flat();
}

/** Runs the suites, and the library's source, on the versions of Nest that an app has installed. */
export async function runSuites(app: string): Promise<ReadonlyMap<string, SuiteResult>> {
  const folder = await createFolder(app);
  const output = join(folder, 'results.json');
  const options = ['--reporter=json', `--outputFile=${output}`];
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const running = node(folder, [vitest, 'run', ...options, ...FOLDERS.map((it) => `test/${it}`)]);
  const problem = await running.then(
    () => undefined,
    (error: unknown) => error,
  );
  return readResults(output, problem);
}

/** Beside the app, or its own tests would find these. */
async function createFolder(app: string): Promise<string> {
  const folder = `${app}-suites`;
  const packages = join(app, 'node_modules');
  await mkdir(folder);
  await symlink(packages, join(folder, 'node_modules'), 'junction');
  await cp(join(ROOT, 'lib'), join(folder, 'lib'), { recursive: true });
  await cp(join(ROOT, 'test'), join(folder, 'test'), { recursive: true, filter: isSource });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'vitest.config.mjs'), CONFIG);
  for (const name of FROM_HERE) {
    await symlink(join(ROOT, 'node_modules', name), join(packages, name), 'junction');
  }
  return folder;
}

/** Other tests leave a folder of their own beside them, for a while. */
function isSource(path: string): boolean {
  return !basename(path).startsWith('.');
}

interface Report {
  readonly testResults: {
    readonly name: string;
    readonly message: string;
    readonly status: string;
    readonly assertionResults: {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: string[];
    }[];
  }[];
}

async function readResults(file: string, problem: unknown): Promise<Map<string, SuiteResult>> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error('The suites could not be run.', { cause: problem });
  });
  const { testResults } = JSON.parse(text) as Report;
  return new Map(
    testResults.map((suite) => {
      const tests = suite.assertionResults;
      const failed = tests
        .filter((it) => it.status === 'failed')
        .map((it) => `${it.fullName}: ${it.failureMessages.join('\n')}`);
      // A file that could not be imported has no tests.
      if (suite.status === 'failed' && failed.length === 0) failed.push(suite.message);
      const passed = tests.filter((it) => it.status === 'passed').length;
      return [suite.name.split(/[\\/]/).slice(-2).join('/'), { passed, failed }];
    }),
  );
}
