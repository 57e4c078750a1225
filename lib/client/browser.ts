import { createClient } from './create-client.js';
import { type StreamingClientOptions, urlOf } from './options.js';
import type { StreamingClient } from './types.js';
import { createWebSocketConnect, type WebSocketClass } from './web-socket.js';

export * from './names.js';

/**
 * Makes a typed client. It connects with the first call, and every endpoint and method is there by
 * its name. `T` names the class behind each endpoint.
 *
 * @throws TypeError that names the option, for one that makes no sense.
 */
export function createStreamingClient<T>(options: StreamingClientOptions): StreamingClient<T> {
  const webSocketClass = globalThis.WebSocket as unknown as WebSocketClass;
  return createClient(options, createWebSocketConnect(urlOf(options), webSocketClass));
}
