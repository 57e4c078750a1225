import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

describe('the tooltips of client.ts', () => {
  let checker: ts.TypeChecker;
  let source: ts.SourceFile;

  beforeAll(() => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
    const file = `${root}test/types/client.ts`;
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [file] }, ts.sys, root);
    const program = ts.createProgram([file], options);
    const found = program.getSourceFile(file);
    if (!found) throw new Error(`${file} is not there`);
    checker = program.getTypeChecker();
    source = found;
  });

  function tooltip(expression: string): string | undefined {
    const search = (node: ts.Node): ts.Node | undefined =>
      ts.isPropertyAccessExpression(node) && node.getText(source) === expression
        ? node
        : ts.forEachChild(node, search);
    const node = search(source);
    return node && checker.typeToString(checker.getTypeAtLocation(node));
  }

  it('keep the names of the parameters when one between them is injected', () => {
    expect(tooltip('client.example.draw')).toBe(
      '(color: number, strokes: StreamInput<Stroke>) => OutputValue<number>',
    );
  });

  it('name the streams rather than spell out what they are', () => {
    expect(tooltip('client.example.echoStream')).toBe(
      '(stream: StreamInput<unknown>) => OutputStream<unknown>',
    );
    expect(tooltip('client.example.imageUpdates')).toBe('() => OutputStream<Stroke>');
  });
});
