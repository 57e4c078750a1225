/** The load client: `node client-process.mjs`, commanded by pairs.mjs over IPC. */
import { answerCommands } from './commands.mjs';
import { quantile } from './statistics.mjs';

let client;

/** After `connect` every command is a method of what the subject's client made. */
answerCommands(async (command, args) => {
  if (command === 'connect') return connect(...args);
  const result = await client[command](...args);
  return result instanceof Float64Array ? summarise(result) : result;
});

async function connect(module, options) {
  const { connect } = await import(module);
  client = await connect(options);
}

function summarise(timesMs) {
  return { p50Us: quantile(timesMs, 0.5) * 1000, p99Us: quantile(timesMs, 0.99) * 1000 };
}
