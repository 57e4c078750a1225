/**
 * Who is measured: a server and a load client each. Plain `ws` is what the others are compared with,
 * so it runs in every round that compares.
 */
const PLAIN = {
  name: 'plain ws',
  isPlain: true,
  server: 'plain.server.mjs',
  client: 'plain.client.mjs',
};

const JSON_SUBJECT = streaming('nestjs-streaming, JSON', 'nest', 'json');
const MSGPACK_SUBJECT = streaming('nestjs-streaming, MessagePack', 'nest', 'msgpack');

/** Plain objects through an untyped stream. */
export const UNTYPED_SUBJECTS = [JSON_SUBJECT, MSGPACK_SUBJECT, PLAIN];

/** Also instances of a model through a typed one. */
export const TYPED_SUBJECTS = [
  JSON_SUBJECT,
  typed('JSON, models', 'json'),
  MSGPACK_SUBJECT,
  typed('MessagePack, models', 'msgpack'),
  PLAIN,
];

/** What Nest's side costs shows beside these. */
export const ENGINE_SUBJECTS = [
  streaming('engine without Nest, JSON', 'engine', 'json'),
  streaming('engine without Nest, MessagePack', 'engine', 'msgpack'),
];

/** 50 clients at once, each with four streams. */
export const CROWD_SUBJECTS = [crowd('JSON', 'json'), crowd('MessagePack', 'msgpack')];

function streaming(name, server, codec) {
  return { name, server: `${server}.server.mjs`, client: 'streaming.client.mjs', codec };
}

function typed(name, codec) {
  const files = { server: 'models.server.mjs', client: 'models.client.mjs' };
  return { name: `nestjs-streaming, ${name}`, ...files, codec };
}

function crowd(name, codec) {
  const files = { server: 'crowd.server.mjs', client: 'crowd.client.mjs' };
  return { name: `nestjs-streaming, ${name}`, ...files, codec, size: 50, streams: 4 };
}
