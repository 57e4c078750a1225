import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { RawPeer } from './raw-peer.js';

/** What a server grants and takes unless a test says otherwise. */
export const WELCOME = [1, 'raw', [4096, 262_144], 1_048_576];

/** A server that does only what a test says, right or wrong. */
export class RawServer {
  readonly #sockets: WebSocketServer;
  readonly #arrived: RawPeer[] = [];
  #waiting: ((peer: RawPeer) => void) | undefined;
  /** How many connections were made. */
  connections = 0;

  private constructor(sockets: WebSocketServer) {
    this.#sockets = sockets;
    sockets.on('connection', (socket) => this.#take(socket));
  }

  static start(): Promise<RawServer> {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    return new Promise((resolve) => {
      sockets.on('listening', () => resolve(new RawServer(sockets)));
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#sockets.address() as AddressInfo).port}/streaming`;
  }

  /** The next client; nothing was sent to it. */
  accept(): Promise<RawPeer> {
    const peer = this.#arrived.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** The next client, its hello received and welcome sent. */
  async welcome(welcome: readonly unknown[] = WELCOME): Promise<RawPeer> {
    const peer = await this.accept();
    await peer.next();
    peer.send(welcome);
    return peer;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise((resolve) => {
      this.#sockets.close(resolve);
    });
  }

  #take(socket: WebSocket): void {
    this.connections++;
    const peer = new RawPeer(socket, socket.protocol.endsWith('msgpack') ? 'msgpack' : 'json');
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(peer);
    else waiting(peer);
  }
}
