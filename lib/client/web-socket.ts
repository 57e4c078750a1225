import { CloseCode } from '../protocol/close-codes.js';
import type { Transport } from '../protocol/transport.js';
import type { Connect, TransportEvents } from './connect.js';

/** What is used of a WebSocket: the browser's own, Node's, and that of `ws` all have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly protocol: string;
  readonly readyState: number;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(message: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  terminate?(): void;
}

/** The constructor of such a WebSocket. */
export type WebSocketClass = new (url: string, subprotocols: string[]) => WebSocketLike;

const OPEN = 1;

/** What a connection that broke is reported as. */
const LOST = 1006;

/** Below this, close codes belong to the standard. */
const FIRST_OWN_CODE = 3000;

/** A WebSocket doesn't tell when its buffer runs empty: it is looked at this often, in ms. */
const POLL_MS = 4;

/** Below this much a buffer counts as empty, in bytes; so does Node count on the other side. */
const EMPTY_BYTES = 16_384;

/** What `ws` says of a server that has nothing at the URL's path; no other platform tells. */
const NOTHING_THERE = /\b404$/;

/** Connects through WebSockets of a class to a URL. */
export function createWebSocketConnect(url: string, webSocketClass: WebSocketClass): Connect {
  return (subprotocols, events) => {
    let socket: WebSocketLike;
    try {
      socket = new webSocketClass(url, [...subprotocols]);
    } catch (error) {
      queueMicrotask(() => events.closed(LOST, error instanceof Error ? error.message : ''));
      return () => undefined;
    }
    return listen(socket, events);
  };
}

function listen(socket: WebSocketLike, events: TransportEvents): () => void {
  const transport = new WebSocketTransport(socket, () => events.drained());
  let state: 'connecting' | 'open' | 'closed' = 'connecting';
  let problem = '';
  const closed = (code: number, reason: string): void => {
    if (state === 'closed') return;
    state = 'closed';
    transport.stop();
    events.closed(code, reason === '' ? problem : reason);
  };
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    state = 'open';
    events.opened(transport, socket.protocol);
  };
  socket.onmessage = ({ data }: { data: unknown }) => {
    events.message(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
  };
  // A browser says nothing here; `ws` tells why it could not connect. Node's own WebSocket reports
  // no close behind the error of a handshake.
  socket.onerror = (event: { message?: unknown }) => {
    if (typeof event.message === 'string') problem = explain(event.message);
    if (state === 'connecting') queueMicrotask(() => closed(LOST, ''));
  };
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => closed(code, reason);
  return () => transport.terminate();
}

function explain(problem: string): string {
  if (!NOTHING_THERE.test(problem)) return problem;
  return `${problem}: no StreamingModule answers at this path, which is '/streaming' unless its options say another`;
}

class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  readonly #onDrained: () => void;
  #poll: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocketLike, onDrained: () => void) {
    this.#socket = socket;
    this.#onDrained = onDrained;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: string | Uint8Array): boolean {
    if (this.#socket.readyState !== OPEN) return true;
    this.#socket.send(message);
    if (this.#poll === undefined && this.bufferedBytes > EMPTY_BYTES) this.#watch();
    return true;
  }

  /** A page may send no code of the standard but 1000: a browser throws. */
  close(code: number, reason: string): void {
    if (code === CloseCode.normal || code >= FIRST_OWN_CODE) this.#socket.close(code, reason);
    else this.#socket.close();
  }

  terminate(): void {
    if (this.#socket.terminate !== undefined) this.#socket.terminate();
    else this.#socket.close();
  }

  stop(): void {
    clearTimeout(this.#poll);
  }

  #watch(): void {
    this.#poll = setTimeout(() => {
      this.#poll = undefined;
      if (this.bufferedBytes > EMPTY_BYTES) this.#watch();
      else this.#onDrained();
    }, POLL_MS);
  }
}
