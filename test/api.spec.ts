import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** The entries of the built package (`npm run build`), and where their index stands in dist. */
const ENTRIES = {
  'nestjs-streaming': 'index',
  'nestjs-streaming/client': 'client/index',
  'nestjs-streaming/testing': 'testing/index',
} as const;

/** What stands behind `nestjs-streaming/client` for bundlers that build for browsers. */
const BROWSER_INDEX = 'client/browser';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const require = createRequire(import.meta.url);

interface Export {
  readonly name: string;
  readonly kind: string;
  readonly isValue: boolean;
}

const declared = readDeclarations(ENTRIES);

describe('the public API', () => {
  it('is what api.snapshot.txt says: its diff is the review', async () => {
    const pages = [...declared].map(([entry, exports]) =>
      [entry, ...exports.map(({ kind, name }) => `  ${kind} ${name}`)].join('\n'),
    );
    await expect(`${pages.join('\n\n')}\n`).toMatchFileSnapshot('./api.snapshot.txt');
  });

  it.each(Object.entries(ENTRIES))(
    '%s exports what it declares, by import and by require',
    async (entry, index) => {
      const names = (declared.get(entry) ?? []).filter((it) => it.isValue).map(({ name }) => name);
      const imported = await import(/* @vite-ignore */ join(DIST, 'esm', `${index}.js`));
      const required = require(join(DIST, 'cjs', `${index}.js`));
      expect(Object.keys(imported).sort()).toEqual(names);
      expect(Object.keys(required).sort()).toEqual(names);
    },
  );

  it('of the client is the same in a browser', () => {
    const inBrowser = readDeclarations({ browser: BROWSER_INDEX }).get('browser');
    expect(inBrowser).toEqual(declared.get('nestjs-streaming/client'));
  });
});

function readDeclarations(entries: Readonly<Record<string, string>>): Map<string, Export[]> {
  const files = Object.values(entries).map((index) => join(DIST, 'esm', `${index}.d.ts`));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const pairs = Object.keys(entries).map((entry, i): [string, Export[]] => {
    const source = program.getSourceFile(files[i] ?? '');
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${entry} is not built: run npm run build.`);
    return [
      entry,
      checker
        .getExportsOfModule(module)
        .map((it) => toExport(checker, it))
        .sort(byName),
    ];
  });
  return new Map(pairs);
}

function toExport(checker: ts.TypeChecker, exported: ts.Symbol): Export {
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const { flags } = isAlias ? checker.getAliasedSymbol(exported) : exported;
  const isValue = (flags & ts.SymbolFlags.Value) !== 0 && !isTypeOnly(exported);
  return { name: exported.name, kind: toKind(flags, isValue), isValue };
}

/** `export type { X }` and `export { type X }` leave nothing at run time, whatever X is. */
function isTypeOnly({ declarations = [] }: ts.Symbol): boolean {
  return declarations.some(
    (it) => ts.isExportSpecifier(it) && (it.isTypeOnly || it.parent.parent.isTypeOnly),
  );
}

function toKind(flags: ts.SymbolFlags, isValue: boolean): string {
  if (!isValue) return 'type';
  if (flags & ts.SymbolFlags.Class) return 'class';
  return flags & ts.SymbolFlags.Function ? 'function' : 'const';
}

function byName(a: Export, b: Export): number {
  return a.name < b.name ? -1 : 1;
}
