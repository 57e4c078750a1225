import type { INestApplicationContext } from '@nestjs/common';
import { createClient } from '../client/create-client.js';
import type { ClientOptions } from '../client/options.js';
import type { StreamingClient } from '../client/types.js';
import { StreamingLifecycle } from '../nest/streaming-lifecycle.js';
import { captureCaller } from './caller.js';
import { createMemoryConnect, type MemoryHandshake } from './memory-connect.js';
import type { TestingNetwork } from './testing-network.js';

export { TestingNetwork } from './testing-network.js';

/** What a testing client can be told: what any client can, and what its handshake shows. */
export interface TestingClientOptions extends ClientOptions, MemoryHandshake {
  /** Holds and drops frames on their way. @default one of the client's own */
  readonly network?: TestingNetwork;
}

/**
 * Makes a typed client of an application or testing module, in memory: the real client, the real
 * engine and Nest's whole pipeline, without a socket. What a call fails with tells in its stack where
 * the call was made. Close the client before the application, or
 * closing waits for its calls.
 *
 * @throws Error when the application doesn't import `StreamingModule`, or has not started.
 */
export function createTestingClient<T>(
  app: INestApplicationContext,
  options: TestingClientOptions = {},
): StreamingClient<T> {
  const { headers, remoteAddress, network, ...clientOptions } = options;
  const handshake = {
    ...(headers === undefined ? {} : { headers }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
  };
  const connect = createMemoryConnect(serverOf(app), handshake, network);
  return createClient(clientOptions, connect, captureCaller);
}

function serverOf(app: INestApplicationContext) {
  const lifecycle = findLifecycle(app);
  if (!lifecycle.isOpen)
    throw new Error('The application has not started: await app.init() first.');
  return lifecycle.server;
}

function findLifecycle(app: INestApplicationContext): StreamingLifecycle {
  try {
    return app.get(StreamingLifecycle, { strict: false });
  } catch (cause) {
    throw new Error('The application does not import StreamingModule.', { cause });
  }
}
