import type { Connect, TransportEvents } from '../client/connect.js';
import type { Transport } from '../protocol/transport.js';
import { chooseSubprotocol } from '../protocol/version.js';
import type { ServerConnection } from '../server/connection.js';
import type { StreamingServer } from '../server/streaming-server.js';

/** What a client in memory shows of itself, as a socket's handshake would. */
export interface MemoryHandshake {
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly remoteAddress?: string;
}

/**
 * Connects a real client to a real server without a socket. Messages cross in turns of the event
 * loop of their own, in order, as they would on a network without delay.
 */
export function createMemoryConnect(
  server: StreamingServer,
  handshake: MemoryHandshake = {},
): Connect {
  return (subprotocols, events) => {
    const choice = chooseSubprotocol(subprotocols);
    if (choice.kind !== 'supported') throw new TypeError('The client offers no known subprotocol.');
    const pair = new MemoryPair(events);
    setImmediate(() => {
      if (pair.isClosed) return;
      events.opened(pair.client, choice.subprotocol);
      const { headers = {}, remoteAddress = 'memory' } = handshake;
      pair.connect(server.accept(pair.server, { codec: choice.codec, headers, remoteAddress }));
    });
    return () => pair.client.terminate();
  };
}

class MemoryPair {
  readonly client: Transport;
  readonly server: Transport;
  readonly #events: TransportEvents;
  #connection: ServerConnection | undefined;
  isClosed = false;

  constructor(events: TransportEvents) {
    this.#events = events;
    this.client = this.#createTransport((message) => this.#connection?.receive(message));
    this.server = this.#createTransport((message) => events.message(message));
  }

  connect(connection: ServerConnection): void {
    this.#connection = connection;
  }

  #createTransport(deliver: (message: string | Uint8Array) => void): Transport {
    return {
      bufferedBytes: 0,
      send: (message) => this.#later(() => deliver(message)),
      close: (code, reason) => this.#close(code, reason),
      terminate: () => this.#close(1006, ''),
    };
  }

  #later(run: () => void): void {
    if (!this.isClosed) setImmediate(run);
  }

  /** What was sent before still arrives. */
  #close(code: number, reason: string): void {
    this.#later(() => {
      this.#connection?.closed(code, reason);
      this.#events.closed(code, reason);
    });
    this.isClosed = true;
  }
}
