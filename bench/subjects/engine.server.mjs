import { createServer } from 'node:http';
import { StreamError } from '../../dist/esm/protocol/stream-error.js';
import { StreamingServer } from '../../dist/esm/server/streaming-server.js';
import { WebSocketUpgrade } from '../../dist/esm/server/web-socket-upgrade.js';
import { makeItems } from '../item.mjs';

/** The same methods without Nest, and without models: from inside the package, not through its entry. */
const METHODS = {
  ready: () => undefined,
  items: (count) => makeItems(count ?? Number.POSITIVE_INFINITY),
  echo: async function* (stream) {
    for await (const item of stream) yield item;
  },
};

const NO_MODELS = { typeOf: () => undefined, typeNamed: () => undefined };

export async function listen() {
  const engine = new StreamingServer({
    methods: createMethods(),
    models: NO_MODELS,
    toStreamError: (error) => new StreamError('internal', String(error)),
  });
  const upgrade = new WebSocketUpgrade(engine);
  const server = createServer();
  server.on('upgrade', (request, socket, head) => upgrade.handle(request, socket, head));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `ws://127.0.0.1:${server.address().port}/streaming` };
}

function createMethods() {
  const push = { capacity: 256, overflowError: () => new Error('too many items') };
  return new Map(
    Object.entries(METHODS).map(([key, run]) => {
      const name = `bench.${key}`;
      return [name, { name, push, invoke: (_call, args) => run(...args) }];
    }),
  );
}
