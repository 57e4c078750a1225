import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages, ROOT, snippets } from './snippets.js';

const folder = mkdtempSync(join(ROOT, 'test', '.docs-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

let found: readonly string[];

// One program for all pages: the library's own types are read once.
beforeAll(() => {
  found = problems(pages().flatMap(write));
});

describe.each(pages())('%s', (page) => {
  it('has snippets that compile against the library', () => {
    expect(found.filter((problem) => problem.startsWith(`${folderOf(page)}/`))).toEqual([]);
  });

  it('links to files that are there', () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
  });
});

function folderOf(page: string): string {
  return page.replace(/\W/g, '-');
}

/** A later snippet of the same path is a later state of the file: each state is compiled. */
function write(page: string): string[] {
  const app = join(folder, folderOf(page));
  const files: string[] = [];
  for (const { path, code } of snippets(page)) {
    let file = join(app, path);
    for (let i = 2; files.includes(file); i++) file = join(app, path.replace(/\.ts$/, `-${i}.ts`));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code.includes('import ') ? code : `export {};\n${code}`);
    files.push(file);
  }
  return files;
}

function problems(files: string[]): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram(files, {
    ...options,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {
      'nestjs-streaming': [join(ROOT, 'lib/index.ts')],
      'nestjs-streaming/client': [join(ROOT, 'lib/client/index.ts')],
      'nestjs-streaming/testing': [join(ROOT, 'lib/testing/index.ts')],
    },
  });
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file?.fileName.startsWith(folder))
    .map(({ file, start, messageText }) => {
      const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
      const where = `${file?.fileName.slice(folder.length + 1)}:${line + 1}`;
      return `${where} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
}
