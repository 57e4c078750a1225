import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeLife } from './life.js';
import {
  type AppName,
  createApps,
  createPage,
  createSandbox,
  node,
  pack,
  ROOT,
  startServer,
} from './sandbox.js';
import { listSuites, runSuites, type SuiteResult } from './suites.js';

const EXPECTED = {
  doubled: [2, 4],
  points: [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
  ],
  areInstances: true,
  sum: 12,
};

const IMPORT = "import { createStreamingClient } from 'nestjs-streaming/client';";
const USE = '\nglobalThis.create = createStreamingClient;';

/** They are many, and the machine may be busy. */
const SUITES_TIMEOUT_MS = 400_000;

let sandbox: Awaited<ReturnType<typeof createSandbox>>;
let tarball: string;
let apps: Record<AppName, string>;
let page: string;

beforeAll(async () => {
  sandbox = await createSandbox();
  tarball = await pack(sandbox.folder);
  page = await createPage(sandbox.folder, tarball);
  apps = await createApps(sandbox.folder, tarball);
});

afterAll(() => sandbox.remove());

describe('the packed package', () => {
  it('is clean for publint', async () => {
    const cli = join(ROOT, 'node_modules/publint/src/cli.js');
    await node(sandbox.folder, [cli, 'run', tarball, '--strict']);
  });

  it('has types that are right for every resolver', async () => {
    const cli = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    await node(sandbox.folder, [cli, tarball]);
  });

  it.each([
    ['import', IMPORT],
    ['require', "const { createStreamingClient } = require('nestjs-streaming/client');"],
  ])('bundles by %s to a browser client of its own files only', async (_, statement) => {
    const { modules } = await bundle(apps['nest-12'], statement + USE);
    expect(modules.some((path) => path.endsWith('client/browser.js'))).toBe(true);
    expect(modules.filter((path) => !path.includes('node_modules/nestjs-streaming/dist/'))).toEqual(
      [],
    );
  });
});

describe('a page with a package of its own', () => {
  it('has nothing of Nest installed', async () => {
    const installed = await readdir(join(page, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['nestjs-streaming', 'ws']);
  });

  it('is typed by the class of a server with another copy of the library', async () => {
    await node(page, [join(apps['nest-12'], 'node_modules/typescript/bin/tsc'), '-p', '.']);
  });

  it('bundles with its models and the client alone', async () => {
    const { modules } = await bundle(page, "import './page.ts';");
    expect(modules).toContain(join(page, 'page.ts'));
    const others = modules.filter((path) => !path.includes('node_modules/nestjs-streaming/dist/'));
    expect(others).toEqual([join(page, 'page.ts')]);
  });

  it('bundles to about the size that the guide tells', async () => {
    const guide = await readFile(join(ROOT, 'docs/client.md'), 'utf8');
    const told = /about (\d+) kB to a page's bundle, minified, (\d+) kB gzipped/.exec(guide);
    const { code } = await bundle(page, IMPORT + USE);
    const sizes = [code.length, gzipSync(code).length];
    for (const [i, bytes] of sizes.entries()) {
      expect(Math.abs(bytes / (Number(told?.[i + 1]) * 1_000) - 1)).toBeLessThan(0.05);
    }
  });
});

describe.each<[string, AppName]>([
  ['a Nest 12 ESM app', 'nest-12'],
  ['a Nest 11 CommonJS app', 'nest-11'],
])('%s', (_, name) => {
  it('streams through the client, and its process ends', async () => {
    expect(await callServer(apps[name])).toEqual(EXPECTED);
  });

  it('gets the same things by require() and by import()', async () => {
    expect(JSON.parse(await node(apps[name], ['identity.cjs']))).toEqual([]);
  });

  it('finds no error in the declarations, checked in full', async () => {
    await checkDeclarations(apps[name], 'typescript');
  });

  describeLife(() => apps[name]);
});

describe('on Nest 11', async () => {
  let results: ReadonlyMap<string, SuiteResult>;

  beforeAll(async () => {
    results = await runSuites(apps['nest-11']);
  }, SUITES_TIMEOUT_MS);

  it('the suites find the Nest of the app', async () => {
    const script = "console.log(require('@nestjs/core/package.json').version)";
    expect(await node(`${apps['nest-11']}-suites`, ['-e', script])).toMatch(/^11\./);
  });

  it.each(await listSuites())('test/%s holds', (suite) => {
    const { passed, failed } = results.get(suite) ?? { passed: 0, failed: ['It was not run.'] };
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(0);
  });
});

describe('other versions', () => {
  it('lets a client on Node 22 call a server on this Node', async () => {
    const node22 = join(apps['nest-12'], 'node_modules/node/bin/node');
    expect(await node(apps['nest-12'], ['--version'], node22)).toMatch(/^v22\./);
    expect(await callServer(apps['nest-12'], node22)).toEqual(EXPECTED);
  });

  it('gives the same things by require() and by import() on Node 22', async () => {
    const node22 = join(apps['nest-12'], 'node_modules/node/bin/node');
    expect(JSON.parse(await node(apps['nest-12'], ['identity.cjs'], node22))).toEqual([]);
  });

  it('has declarations that TypeScript 7 accepts', async () => {
    await checkDeclarations(apps['nest-12'], 'typescript-7');
  });

  it("types an ESM client by a CommonJS server's class", async () => {
    await node(apps['nest-12'], ['node_modules/typescript/bin/tsc', '-p', 'mixed']);
  });

  it('works in a default jest of Nest 11', async () => {
    await node(apps['nest-11'], ['node_modules/jest/bin/jest.js', '--silent']);
  });
});

/** What an app's client got from its server; the server is told to stop, and has to. */
async function callServer(app: string, program?: string): Promise<unknown> {
  const server = await startServer(app);
  try {
    return JSON.parse(await node(app, ['dist/client.js', server.url], program));
  } finally {
    server.kill('SIGTERM');
    // Nest ends its process with the signal again, once the application is closed.
    expect(await server.ended).toBe('SIGTERM');
  }
}

/** Compiles with the declarations of every package checked; rejects with what is wrong. */
async function checkDeclarations(app: string, typescript: string): Promise<void> {
  const tsc = `node_modules/${typescript}/bin/tsc`;
  await node(app, [tsc, '-p', '.', '--noEmit', '--skipLibCheck', 'false']);
}

/** Bundles a source for browsers with vite; resolves with the files that went in, and the result. */
async function bundle(app: string, source: string): Promise<{ modules: string[]; code: string }> {
  const id = join(app, 'page.js');
  const plugin = {
    name: 'page',
    resolveId: toPage,
    load: (it: string) => (it === id ? source : null),
  };
  function toPage(it: string): string | null {
    return it === id ? id : null;
  }
  const result = (await build({
    root: app,
    configFile: false,
    logLevel: 'error',
    plugins: [plugin],
    build: { write: false, rollupOptions: { input: id } },
  })) as Rolldown.RolldownOutput;
  const chunks = result.output.filter((it) => it.type === 'chunk');
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
  return {
    modules: modules.filter((it) => it !== id && !it.startsWith('\0')),
    code: chunks.map(({ code }) => code).join(''),
  };
}
