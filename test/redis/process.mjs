// Runs a module of this folder in a process of its own, without a build: its file is the argument.
// What it imports later than this is not found.
import { runnerImport } from 'vite';
import { switchOff } from '../safeguards/switch-off.mjs';

const path = new URL(process.argv[2], import.meta.url).pathname;
const { module } = await runnerImport(path, { plugins: [switchOff()] });
await module.run();
