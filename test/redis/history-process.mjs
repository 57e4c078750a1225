// Runs history-process.ts in a process of its own, without a build. What it imports later than this
// is not found.
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('./history-process.ts', import.meta.url).pathname);
await module.run();
