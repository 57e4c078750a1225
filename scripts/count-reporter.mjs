import { writeFileSync } from 'node:fs';

/**
 * A vitest reporter that counts: tests by their result, and as one failure each file that could not
 * be loaded (or whose hooks failed outside a test) and each error that no test caught. Writes the
 * counts as JSON to the file named by COUNT_FILE.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count(counts, test.result().state);
      counts.failed += countBroken(module);
    }
    if (process.env.COUNT_FILE) writeFileSync(process.env.COUNT_FILE, JSON.stringify(counts));
  }
}

/** A test that never ran is no success: `pending` is what a broken hook or file leaves behind. */
function count(counts, state) {
  counts[state === 'pending' ? 'failed' : state] += 1;
}

function countBroken(module) {
  const suites = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}
