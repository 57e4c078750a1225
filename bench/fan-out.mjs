/**
 * One message of a channel to a thousand streams. A measure for each number of connections they share,
 * with subjects of its own: what is compared is plain `ws` with one text for all, sent to each.
 */
const STREAMS = 1000;

export const FAN_OUT_MEASURES = [createMeasure(1000, 1.0), createMeasure(50, 0.2)];

function createMeasure(connections, timesPlain) {
  return {
    name: `fan-out-${connections}`,
    title: `Fan-out: one message at a time to ${STREAMS} streams on ${connections} connections`,
    figures: { cpuUs: 'server CPU, µs/delivery' },
    target: { timesPlain },
    blocks: 5,
    subjects: createSubjects(connections),
    warmUp: ({ client }) => client.ask('fanOut', WARM_UP_MESSAGES),
    run: measureCpu,
  };
}

function createSubjects(connections) {
  const load = { connections, streams: STREAMS };
  const streaming = { server: 'fan-out.server.mjs', client: 'fan-out.client.mjs', ...load };
  const plain = { server: 'fan-out.plain.server.mjs', client: 'fan-out.plain.client.mjs', ...load };
  return [
    { name: 'nestjs-streaming, JSON', codec: 'json', ...streaming },
    { name: 'nestjs-streaming, MessagePack', codec: 'msgpack', ...streaming },
    { name: 'plain ws', isPlain: true, ...plain },
  ];
}

const MESSAGES = 100;

/** Until the heap of a server with so many connections has come to its size. */
const WARM_UP_MESSAGES = 400;

async function measureCpu({ server, client, work }) {
  await server.ask('collectGarbage');
  const { cpuUs } = await work(() => client.ask('fanOut', MESSAGES));
  return { cpuUs: cpuUs / (MESSAGES * STREAMS) };
}
