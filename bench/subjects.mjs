/**
 * Who is measured: a server and a load client each. `plain` is what the others are compared with, so it
 * runs in every round. The engine without Nest shows what Nest's side costs.
 */
const PLAIN = { name: 'plain ws', server: 'plain.server.mjs', client: 'plain.client.mjs' };

export const SUBJECTS = [
  streaming('nestjs-streaming, JSON', 'nest.server.mjs', 'json'),
  streaming('nestjs-streaming, MessagePack', 'nest.server.mjs', 'msgpack'),
  PLAIN,
];

export const ENGINE_SUBJECTS = [
  streaming('engine without Nest, JSON', 'engine.server.mjs', 'json'),
  streaming('engine without Nest, MessagePack', 'engine.server.mjs', 'msgpack'),
];

export function isPlain(subject) {
  return subject === PLAIN;
}

function streaming(name, server, codec) {
  return { name, server, client: 'streaming.client.mjs', codec };
}
