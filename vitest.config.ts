import { defineConfig } from 'vitest/config';

const RULES = ['test/rooms.spec.ts', 'test/api.spec.ts'];
const PACKAGE = ['test/package/**/*.spec.ts'];
const REDIS = ['test/redis/**/*.spec.ts'];
const SAFEGUARDS = ['test/safeguards/**/*.spec.ts'];

/** The groups run one after the other: what measures time doesn't share the cores with npm. */
export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['lib/**/*.spec.ts'], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: 'rules', include: RULES, testTimeout: 30_000, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.spec.ts'],
          exclude: [...RULES, ...REDIS, ...PACKAGE, ...SAFEGUARDS],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'redis',
          include: REDIS,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // Each file has servers of its own, and waits for most of its time.
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: PACKAGE,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'safeguards',
          include: SAFEGUARDS,
          testTimeout: 120_000,
          // Some faults are races, which a machine with much else to do may win without a safeguard.
          retry: 2,
          // Each test of them is a vitest of its own, which mostly waits.
          maxWorkers: 1,
          maxConcurrency: 4,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
