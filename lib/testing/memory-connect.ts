import type { Connect, TransportEvents } from '../client/connect.js';
import type { Transport } from '../protocol/transport.js';
import { chooseSubprotocol } from '../protocol/version.js';
import type { ServerConnection } from '../server/connection.js';
import type { StreamingServer } from '../server/streaming-server.js';
import { TestingNetwork } from './testing-network.js';

/** What a client in memory shows of itself, as a socket's handshake would. */
export interface MemoryHandshake {
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly remoteAddress?: string;
}

/** The close code of a connection that was not closed by anybody. */
const CUT = 1006;

/**
 * Connects a real client to a real server without a socket. Messages cross in turns of the event
 * loop of their own, in order, as they would on a network without delay.
 */
export function createMemoryConnect(
  server: StreamingServer,
  handshake: MemoryHandshake = {},
  network = new TestingNetwork(),
): Connect {
  return (subprotocols, events) => {
    const choice = chooseSubprotocol(subprotocols);
    if (choice.kind !== 'supported') throw new TypeError('The client offers no known subprotocol.');
    const pair = new MemoryPair(events, network);
    setImmediate(() => {
      if (pair.isClosed) return;
      events.opened(pair.client.transport, choice.subprotocol);
      const { headers = {}, remoteAddress = 'memory' } = handshake;
      const accepted = { codec: choice.codec, headers, remoteAddress };
      pair.connect(server.accept(pair.server.transport, accepted));
    });
    return () => pair.client.transport.terminate();
  };
}

/** One side's end: what it sends, and how much of it has not arrived yet. */
interface End {
  readonly transport: Transport;
  bytesOnTheWay: number;
}

class MemoryPair {
  readonly client: End;
  readonly server: End;
  readonly #events: TransportEvents;
  readonly #network: TestingNetwork;
  readonly #leave: () => void;
  #connection: ServerConnection | undefined;
  isClosed = false;

  constructor(events: TransportEvents, network: TestingNetwork) {
    this.#events = events;
    this.#network = network;
    this.#leave = network.join(() => this.#close(CUT, ''));
    this.client = this.#createEnd(
      (message) => this.#connection?.receive(message),
      () => events.drained(),
    );
    this.server = this.#createEnd(
      (message) => events.message(message),
      () => this.#connection?.drained(),
    );
  }

  connect(connection: ServerConnection): void {
    this.#connection = connection;
  }

  #createEnd(arrive: (message: string | Uint8Array) => void, drained: () => void): End {
    const end: End = {
      bytesOnTheWay: 0,
      transport: {
        get bufferedBytes() {
          return end.bytesOnTheWay;
        },
        send: (message, maySend) => {
          if (maySend?.() === false) return false;
          this.#send(end, message, arrive, drained);
          return true;
        },
        close: (code, reason) => this.#close(code, reason),
        terminate: () => this.#close(CUT, ''),
      },
    };
    return end;
  }

  #send(
    end: End,
    message: string | Uint8Array,
    arrive: (message: string | Uint8Array) => void,
    drained: () => void,
  ): void {
    if (this.isClosed) return;
    const { length } = message;
    end.bytesOnTheWay += length;
    this.#network.send({
      arrive: () => {
        end.bytesOnTheWay -= length;
        arrive(message);
        if (end.bytesOnTheWay === 0) drained();
      },
      lose: () => undefined,
    });
  }

  /** What was sent before still arrives, unless it is lost. */
  #close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#leave();
    const closed = (told: number, why: string): void => {
      this.#connection?.closed(told, why);
      this.#events.closed(told, why);
    };
    this.#network.send({ arrive: () => closed(code, reason), lose: () => closed(CUT, '') });
  }
}
