import { AsyncResource } from 'node:async_hooks';
import { WebSocket } from 'ws';
import type { CallContext } from './call.js';
import { createClient } from './create-client.js';
import { absoluteUrlOf, type StreamingClientOptions } from './options.js';
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
  const webSocketClass = globalThis.WebSocket ?? WebSocket;
  return createClient(
    options,
    createWebSocketConnect(absoluteUrlOf(options), webSocketClass as unknown as WebSocketClass),
    captureContext,
  );
}

/** A call that waits for its connection is opened in a context of somebody else's. */
function captureContext(): CallContext {
  const context = new AsyncResource('StreamingClientCall');
  return { run: (run) => context.runInAsyncScope(run) };
}
