// Runs bus-app.ts in a process of its own, without a build: with the URL of a Redis, or without.
// What it imports later than this is not found.
import { runnerImport } from 'vite';

const path = new URL('./bus-app.ts', import.meta.url).pathname;
const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
const { module } = await runnerImport(path, { configFile: false, oxc });
await module.run(process.argv[2]);
