import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** One `import`, `export ... from`, `import()` or `import('x').Y` type in a source file. */
export interface Import {
  /** The importing file, relative to the folder that was read, with `/`. */
  readonly from: string;
  /** What is written: a package's name, `node:fs`, or for a file of the folder its path in it. */
  readonly to: string;
  readonly isFile: boolean;
  /** Erased by the compiler: nothing of it is left at run time. */
  readonly isTypeOnly: boolean;
  /** `import()`: loaded when it is reached, if ever. */
  readonly isDynamic: boolean;
}

type Found = Pick<Import, 'isTypeOnly' | 'isDynamic'> & { readonly specifier: string };

/** Reads the imports of all TypeScript files in a folder. */
export function readImports(folder: string): Import[] {
  return listFiles(folder)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => parse(file).map((found) => toImport(folder, file, found)));
}

/** All files below a folder, without `node_modules` and `dist`. */
export function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist')
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? listFiles(path) : [path];
    });
}

function toImport(folder: string, file: string, { specifier, ...kind }: Found): Import {
  const from = toSlashes(relative(folder, file));
  if (!specifier.startsWith('.')) return { from, to: specifier, isFile: false, ...kind };
  const target = join(dirname(file), specifier.replace(/\.js$/, '.ts'));
  return { from, to: toSlashes(relative(folder, target)), isFile: true, ...kind };
}

function parse(file: string): Found[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    const here = toFound(node);
    if (here !== undefined) found.push(here);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function toFound(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) return statement(node.moduleSpecifier, isErased(node));
  if (ts.isExportDeclaration(node)) return statement(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return statement(node.argument.literal, true);
  }
  const isImportCall =
    ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  if (!isImportCall) return undefined;
  const call = statement(node.arguments[0], false);
  return call && { ...call, isDynamic: true };
}

function statement(specifier: ts.Expression | undefined, isTypeOnly: boolean): Found | undefined {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return undefined;
  return { specifier: specifier.text, isTypeOnly, isDynamic: false };
}

/** `import type x`, and `import { type x, type y }`. */
function isErased({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = importClause.namedBindings;
  if (importClause.name !== undefined || named === undefined || !ts.isNamedImports(named))
    return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

function toSlashes(path: string): string {
  return path.replaceAll('\\', '/');
}
