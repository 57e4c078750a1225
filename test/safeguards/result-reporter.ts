import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** A test that was run, how it ended, and why if not well. */
export interface Result {
  /** The titles of the `describe`s around it and its own. */
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending';
  readonly failures: readonly string[];
}

/** What came of a whole run. */
export interface Report {
  readonly results: readonly Result[];
  /** What went wrong in no test: files that could not be loaded, say. */
  readonly broken: readonly string[];
}

/** Writes a `Report` as JSON to a file. */
export class ResultReporter implements Reporter {
  constructor(private readonly file: string) {}

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const report: Report = {
      results: modules.flatMap(toResults),
      broken: [...suites.flatMap((suite) => suite.errors()), ...errors].map(toText),
    };
    writeFileSync(this.file, JSON.stringify(report));
  }
}

function toResults(module: TestModule): Result[] {
  return Array.from(module.children.allTests(), (test) => {
    const { state, errors = [] } = test.result();
    return { name: test.fullName.replaceAll(' > ', ' '), state, failures: errors.map(toText) };
  });
}

function toText({ name, message }: { name?: unknown; message: string }): string {
  return `${name}: ${message}`;
}
