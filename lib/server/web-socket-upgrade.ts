import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { CloseCode } from '../protocol/close-codes.js';
import type { Transport } from '../protocol/transport.js';
import { chooseSubprotocol, type SubprotocolChoice } from '../protocol/version.js';
import {
  type AllowedOrigins,
  createOriginTest,
  type OriginTest,
  trustedHeaders,
} from './allowed-origins.js';
import type { Handshake } from './connection.js';
import type { StreamingServer } from './streaming-server.js';
import { WebSocketFramer } from './web-socket-frame.js';

/** How long a client may take for its side of the closing handshake, in ms. */
const CLOSE_TIMEOUT_MS = 2_000;

/** The close code of a connection that broke; it is never sent. */
const BROKEN = 1006;

/** Turns HTTP upgrade requests into connections of a server, through `ws`. */
export class WebSocketUpgrade {
  readonly #server: StreamingServer;
  readonly #webSockets: WebSocketServer;
  readonly #framer = new WebSocketFramer();
  readonly #isAllowed: OriginTest | undefined;

  /** Pages of other origins than `allowedOrigins` are refused; without it, they get no cookies in. */
  constructor(server: StreamingServer, allowedOrigins?: AllowedOrigins) {
    this.#server = server;
    this.#isAllowed = createOriginTest(allowedOrigins);
    // The types of `ws` don't know `closeTimeout` yet.
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: true,
      perMessageDeflate: false,
      maxPayload: server.limits.messageBytes,
      closeTimeout: CLOSE_TIMEOUT_MS,
      autoPong: false,
      handleProtocols: (offered) => acceptedName(chooseSubprotocol(offered)),
    };
    this.#webSockets = new WebSocketServer(options);
  }

  /**
   * Answers one upgrade request. A page that may not connect gets HTTP 403; a client of another
   * protocol gets HTTP 400; one of another version is accepted and closed with 4406, because a
   * browser can't tell its user of anything else.
   */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A socket that breaks in the middle of an upgrade must not end the process.
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    if (!this.#admits(request)) return refuse(socket, FORBIDDEN);
    const choice = chooseSubprotocol(offeredBy(request));
    if (choice.kind === 'foreign') return refuse(socket, BAD_REQUEST);
    if (!this.#server.isOpen) return refuse(socket, GOING_AWAY);
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', ignore);
      this.#accept(webSocket, choice, request, socket);
    });
  }

  /** Waits for the sockets to be closed; those that don't answer in time are cut. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#webSockets.close(() => resolve());
    });
    const timer = setTimeout(() => {
      for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    }, CLOSE_TIMEOUT_MS);
    for (const webSocket of this.#webSockets.clients) webSocket.close(CloseCode.goingAway);
    await closed;
    clearTimeout(timer);
  }

  /** Only browsers tell an origin, and only they present cookies that their user doesn't know of. */
  #admits(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin === undefined || this.#isAllowed?.(origin, request) !== false) return true;
    this.#server.hooks.originRefused?.(origin, request.socket.remoteAddress);
    return false;
  }

  /** What of the handshake the application may trust. */
  #headersOf({ headers, socket }: IncomingMessage): IncomingHttpHeaders {
    if (this.#isAllowed !== undefined) return headers;
    const trusted = trustedHeaders(headers);
    const hasDropped = Object.keys(trusted).length < Object.keys(headers).length;
    if (hasDropped) {
      this.#server.hooks.credentialsDropped?.(headers.origin ?? '', socket.remoteAddress);
    }
    return trusted;
  }

  #accept(
    webSocket: WebSocket,
    choice: Exclude<SubprotocolChoice, { kind: 'foreign' }>,
    request: IncomingMessage,
    socket: Duplex,
  ): void {
    if (choice.kind === 'unsupported') {
      webSocket.on('error', () => undefined);
      webSocket.close(CloseCode.unsupportedVersion, 'this server speaks version 1');
      return;
    }
    const handshake: Handshake = {
      codec: choice.codec,
      headers: this.#headersOf(request),
      remoteAddress: request.socket.remoteAddress,
    };
    const transport = new WebSocketTransport(webSocket, socket, this.#framer);
    const connection = this.#server.accept(transport, handshake);
    webSocket.on('message', (data, isBinary) => {
      connection.receive(isBinary ? toBytes(data) : (data as Buffer).toString());
    });
    webSocket.on('ping', (data) => {
      // A peer that doesn't read could have its answers pile up here.
      if (transport.bufferedBytes <= this.#server.limits.sendBufferBytes) webSocket.pong(data);
    });
    webSocket.on('close', (code, reason) => connection.closed(code, reason.toString()));
    // Nothing more comes after it, but the peer may take its time to close.
    webSocket.on('error', (error) => connection.closed(BROKEN, error.message));
    socket.on('drain', () => connection.drained());
  }
}

/** A server's socket. The one under it holds what waits, and tells when it ran empty. */
class WebSocketTransport implements Transport {
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #framer: WebSocketFramer;

  constructor(webSocket: WebSocket, socket: Duplex, framer: WebSocketFramer) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#framer = framer;
  }

  /** One that closes takes nothing any more; with room in it, its sources would never wait. */
  get bufferedBytes(): number {
    return this.#isOpen ? this.#socket.writableLength : Number.POSITIVE_INFINITY;
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  send(message: string | Uint8Array, maySend?: () => boolean): boolean {
    if (!this.#isOpen) return true;
    const frame = this.#framer.frame(message);
    if (maySend?.() === false) return false;
    // Without compression `ws` writes what it is given at once, so the two don't overtake each other.
    if (frame === undefined) this.#webSocket.send(message);
    else this.#socket.write(frame);
    return true;
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }
}

function acceptedName(choice: SubprotocolChoice): string | false {
  return choice.kind === 'foreign' ? false : choice.subprotocol;
}

function offeredBy(request: IncomingMessage): string[] {
  const header = request.headers['sec-websocket-protocol'] ?? '';
  return header.split(',').map((name) => name.trim());
}

/** An HTTP answer to a request that becomes no WebSocket. */
interface Refusal {
  readonly status: string;
  readonly body: string;
}

const BAD_REQUEST: Refusal = {
  status: '400 Bad Request',
  body: 'Expected a WebSocket with a nestjs-streaming subprotocol.',
};

const FORBIDDEN: Refusal = {
  status: '403 Forbidden',
  body: 'Pages of this origin may not connect.',
};

const GOING_AWAY: Refusal = {
  status: '503 Service Unavailable',
  body: 'The server is going away.',
};

function refuse(socket: Duplex, { status, body }: Refusal): void {
  // Node keeps the other half open for as long as the client likes.
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function toBytes(data: unknown): Uint8Array {
  return data as Buffer;
}
