// Runs race-process.ts in a process of its own, without a build. What it imports later than this is
// not found.
import { runnerImport } from 'vite';
import { switchOff } from '../safeguards/switch-off.mjs';

const path = new URL('./race-process.ts', import.meta.url).pathname;
const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
const { module } = await runnerImport(path, { configFile: false, oxc, plugins: [switchOff()] });
module.run();
