import { defineConfig } from 'vitest/config';
import { ResultReporter } from './result-reporter.js';
import { switchOff } from './switch-off.mjs';

/** For one test with its safeguard switched off: nothing but what that takes. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  plugins: [switchOff()],
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    cache: false,
    include: ['lib/**/*.spec.ts', 'test/**/*.spec.ts'],
    reporters: [new ResultReporter(process.env['RESULT_FILE'] ?? 'result.json')],
    setupFiles: ['test/safeguards/impatience.ts'],
    testTimeout: 10_000,
    hookTimeout: 30_000,
  },
});
