// `npm start`, `npm run start:chat`: installs what is missing, builds what is out of date, and serves
// a sample (Pixorama, unless another one is named) on PORT.
import { checkFree, prepare, readPort, serve } from './start-steps.mjs';

const [sample = 'pixorama'] = process.argv.slice(2);
const port = readPort();
await checkFree(port);
await prepare(sample);
process.exitCode = await serve(sample, port);
