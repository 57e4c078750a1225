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

const run = promisify(execFile);
const folder = mkdtempSync(join(ROOT, 'test', '.docs-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("The README's first screen", () => {
  it('runs as it stands, against the built package', async () => {
    for (const { path, code } of snippets('README.md')) write(path, code);
    write('src/main.ts', MAIN);
    const server = spawn(process.execPath, [join(folder, 'src/main.js')]);
    try {
      const [port] = (await once(server.stdout, 'data')) as [Buffer];
      const output = await runClient(Number(port.toString()));
      expect(output).toBe('3\n2\n1\nHELLO\n3\n');
    } finally {
      server.kill();
    }
  });
});

describe("The guide's page on testing", () => {
  it('runs as it stands, and its assertions hold', async () => {
    for (const { path, code } of snippets('docs/testing.md')) write(path, code);
    const { stderr } = await run(process.execPath, [join(folder, 'test/clock.spec.js')]);
    expect(stderr).toBe('');
  });
});

async function runClient(port: number): Promise<string> {
  const client = snippets('README.md').find(({ path }) => path === 'src/client.ts');
  write('src/client.ts', client?.code.replace('localhost:3000', `127.0.0.1:${port}`) ?? '');
  const { stdout } = await run(process.execPath, [join(folder, 'src/client.js')]);
  return stdout;
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
