import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Type } from '@nestjs/common';
import { CONTROLLER_WATERMARK } from '@nestjs/common/constants.js';
import { Test } from '@nestjs/testing';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamingModule } from '../../lib/index.js';
import { serializableClasses } from '../../lib/model/registry.js';
import { pages, ROOT, snippets } from './snippets.js';

const folder = mkdtempSync(join(ROOT, 'test', '.docs-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = new Map(pages().map((page) => [page, write(page)]));

/** What the package's entries are in the repository. */
const ENTRIES = {
  'nestjs-streaming': [join(ROOT, 'lib/index.ts')],
  'nestjs-streaming/client': [join(ROOT, 'lib/client/index.ts')],
  'nestjs-streaming/testing': [join(ROOT, 'lib/testing/index.ts')],
};

let program: ts.Program;
let found: readonly string[];

// One program for all pages: the library's own types are read once.
beforeAll(() => {
  program = createProgram([...files.values()].flat());
  found = problems(program);
});

describe.each(pages())('%s', (page) => {
  it('has snippets that compile against the library', () => {
    expect(found.filter((problem) => problem.startsWith(`${folderOf(page)}/`))).toEqual([]);
  });

  it('has controllers that start, and of which nothing is to be warned', async () => {
    for (const file of files.get(page) ?? []) {
      if (isController(readFileSync(file, 'utf8'))) expect(await start(file)).toEqual([]);
    }
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

function createProgram(rootNames: string[]): ts.Program {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return ts.createProgram(rootNames, {
    ...options,
    noEmit: false,
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: ENTRIES,
  });
}

function problems(program: ts.Program): string[] {
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file?.fileName.startsWith(folder))
    .map(({ file, start, messageText }) => {
      const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
      const where = `${file?.fileName.slice(folder.length + 1)}:${line + 1}`;
      return `${where} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
}

/** Not what starts an application itself. */
function isController(code: string): boolean {
  return (
    /^@Controller\(/m.test(code) && /^export class/m.test(code) && !/^const .*await/m.test(code)
  );
}

/** Starts an application of a snippet's controllers, as tsc compiles them; gives its warnings. */
async function start(file: string): Promise<string[]> {
  const classes = Object.values(await load(file));
  const controllers = classes.filter((it) => Reflect.hasMetadata(CONTROLLER_WATERMARK, it));
  const module = await Test.createTestingModule({
    imports: [StreamingModule.forRoot()],
    controllers: controllers as Type[],
  })
    .useMocker(() => ({}))
    .compile();
  const app = module.createNestApplication();
  const warnings: string[] = [];
  const silent = { log: () => {}, error: () => {} };
  app.useLogger({ ...silent, warn: (line: string) => void warnings.push(line) });
  await app.init();
  await app.close();
  return warnings;
}

async function load(file: string): Promise<Record<string, object>> {
  // Each page has models of its own, and pages have some of one name.
  serializableClasses().clear();
  const compiled = file.replace(/\.ts$/, '.js');
  const entry = String(ENTRIES['nestjs-streaming'][0]);
  program.emit(program.getSourceFile(file), (_, text) =>
    writeFileSync(compiled, text.replace(/(?<=from ')nestjs-streaming(?=')/, entry)),
  );
  return (await import(compiled)) as Record<string, object>;
}
