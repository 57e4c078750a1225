import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, snippets } from './snippets.js';

const MAIN = `
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
console.log(app.getHttpServer().address().port);
`;

const CLOCK_MODULE = `
import { Module } from '@nestjs/common';
import { StreamingModule } from 'nestjs-streaming';
import { ClockController } from './clock.controller.js';
@Module({ imports: [StreamingModule.forRoot()], controllers: [ClockController] })
export class AppModule {}
`;

const run = promisify(execFile);
const folder = mkdtempSync(join(ROOT, 'test', '.docs-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("The README's first screen", () => {
  it('runs as it stands, against the built package', async () => {
    await withServer(async (port) => {
      expect(await runClient(port)).toBe('3\n2\n1\nHELLO\n3\n');
    });
  });
});

describe("The guide's loop that calls again", () => {
  const HEADLINES = 'src/headlines.ts';

  it('goes on while the server is away, and stops when its client is closed', async () => {
    const shown = await runLoop(1, 'let n = 0; await follow(() => ++n === 2 && client.close());');
    expect(shown).toBe('closed\n');
  });

  it('stops after an error that would come again', async () => {
    await withServer(async (port) => {
      const shown = await runLoop(
        port,
        'await follow(() => {}).catch(({ code }) => console.log(code)); await client.close();',
      );
      expect(shown).toBe('not-found\nclosed\n');
    });
  });

  it('does not begin again with a client that is closed', async () => {
    expect(await runLoop(1, 'await client.close(); await follow(() => {});')).toBe('closed\n');
  });

  /** What a program prints that uses the loop, with a server on a port; none listens on 1. */
  async function runLoop(port: number, use: string): Promise<string> {
    writeClient('docs/client.md', HEADLINES, port);
    const program = `import { client, follow } from './headlines.js';\n${use}\nconsole.log(client.status);`;
    write('src/loop.ts', program);
    const { stdout } = await run(process.execPath, [join(folder, 'src/loop.js')], {
      timeout: 20_000,
    });
    return stdout;
  }
});

describe("The guide's model that a server and a page share", () => {
  it('arrives as an instance', async () => {
    for (const { path, code } of snippets('docs/client.md')) write(path, code);
    write('src/app.module.ts', CLOCK_MODULE);
    await withApplication(async (port) => {
      writeClient('docs/client.md', 'src/page.ts', port);
      const page = run(process.execPath, [join(folder, 'src/page.js')]);
      const lines = (await page).stdout.trimEnd().split('\n');
      expect(lines).toEqual(Array(3).fill(expect.stringMatching(/^true \d{4}-\d\d-\d\dT/)));
    });
  });
});

describe("The guide's page on testing", () => {
  it('runs as it stands, and its assertions hold', async () => {
    for (const { path, code } of snippets('docs/testing.md')) write(path, code);
    const { stderr } = await run(process.execPath, [join(folder, 'test/clock.spec.js')]);
    expect(stderr).toBe('');
  });
});

/** The README's application. */
async function withServer(use: (port: number) => Promise<void>): Promise<void> {
  for (const { path, code } of snippets('README.md')) write(path, code);
  await withApplication(use);
}

/** The application that was written, on a port of its own. */
async function withApplication(use: (port: number) => Promise<void>): Promise<void> {
  write('src/main.ts', MAIN);
  const server = spawn(process.execPath, [join(folder, 'src/main.js')]);
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    await use(Number(port.toString()));
  } finally {
    server.kill();
  }
}

async function runClient(port: number): Promise<string> {
  writeClient('README.md', 'src/client.ts', port);
  const { stdout } = await run(process.execPath, [join(folder, 'src/client.js')]);
  return stdout;
}

/** A client that a page shows, for a server on a port. */
function writeClient(page: string, file: string, port: number): void {
  const client = snippets(page).find(({ path }) => path === file);
  write(file, client?.code.replace('localhost:3000', `127.0.0.1:${port}`) ?? '');
}

/** The folder stands in the repository, so the package's own name leads to its own build. */
function write(path: string, code: string): void {
  const file = join(folder, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(file), { recursive: true });
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  writeFileSync(file, outputText);
}
