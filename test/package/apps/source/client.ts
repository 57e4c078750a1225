import { callExample } from './calls.js';

void callExample(process.argv[2] ?? '').then((result) => console.log(JSON.stringify(result)));
