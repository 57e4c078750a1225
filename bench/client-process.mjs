/** The load client: `node client-process.mjs`, commanded by run.mjs over IPC. */
import { answerCommands } from './commands.mjs';
import { quantile } from './statistics.mjs';

let client;

answerCommands({
  async connect(module, options) {
    const { connect } = await import(module);
    client = await connect(options);
  },

  streamOut: (count) => client.streamOut(count),
  echo: (count) => client.echo(count),
  roundTrips: async (count) => summarise(await client.roundTrips(count)),
  firstItems: async (count) => summarise(await client.firstItems(count)),
  startEndless: () => client.startEndless(),
  read: (count) => client.read(count),
  close: () => client.close(),
});

function summarise(timesMs) {
  return { p50Us: quantile(timesMs, 0.5) * 1000, p99Us: quantile(timesMs, 0.99) * 1000 };
}
