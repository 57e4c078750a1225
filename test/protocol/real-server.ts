import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { type ModelClass, ModelRegistry } from '../../lib/model/registry.js';
import type { Limits } from '../../lib/protocol/limits.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import { type CodecName, SUBPROTOCOLS } from '../../lib/protocol/version.js';
import type { ServerMethod } from '../../lib/server/method.js';
import { StreamingServer } from '../../lib/server/streaming-server.js';
import { WebSocketUpgrade } from '../../lib/server/web-socket-upgrade.js';
import { type Handler, invokes, until } from '../engine/engine.js';
import { RawPeer } from './raw-peer.js';

export interface ServerOptions {
  readonly limits?: Partial<Limits>;
  readonly models?: readonly ModelClass[];
}

const HELLO = [0, [4096, 262_144], null];

/**
 * The real server on a real socket. A bystander is connected all the time, and must be served
 * whatever a test does to the server beside it.
 */
export class RealServer {
  readonly engine: StreamingServer;
  readonly models: ModelRegistry;
  readonly #upgrade: WebSocketUpgrade;
  readonly #http: Server;
  readonly #peers: RawPeer[] = [];
  /** What went wrong in the server's own code. */
  readonly broken: unknown[] = [];
  /** The codes the server's connections were closed with. */
  readonly closings: number[] = [];
  #bystander: RawPeer | undefined;

  private constructor(methods: Map<string, ServerMethod>, options: ServerOptions) {
    this.models = new ModelRegistry(options.models ?? []);
    this.engine = new StreamingServer({
      methods,
      models: this.models,
      limits: options.limits,
      toStreamError,
      hooks: {
        connectionBroken: (_, error) => this.broken.push(error),
        connectionClosed: (_, code) => this.closings.push(code),
      },
    });
    this.#upgrade = new WebSocketUpgrade(this.engine);
    this.#http = createServer();
    this.#http.on('upgrade', (request, socket, head) => {
      this.#upgrade.handle(request, socket, head);
    });
  }

  static async start(
    handlers: Record<string, Handler>,
    options: ServerOptions = {},
  ): Promise<RealServer> {
    const server = new RealServer(createMethods(handlers), options);
    await new Promise<void>((resolve) => {
      server.#http.listen(0, '127.0.0.1', resolve);
    });
    const bystander = await server.connect();
    bystander.answersPings = true;
    bystander.send([2, 1, 'test.echo', [null], [0]]);
    await bystander.next();
    server.#bystander = bystander;
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/streaming`;
  }

  /** How many sockets the HTTP server still holds. */
  socketCount(): Promise<number> {
    return new Promise((resolve) => {
      this.#http.getConnections((_, count) => resolve(count));
    });
  }

  /** A socket that offers these subprotocols; nothing was received yet. */
  dial(subprotocols: string[], codec: CodecName = 'json'): RawPeer {
    const peer = new RawPeer(new WebSocket(this.url, subprotocols), codec);
    this.#peers.push(peer);
    return peer;
  }

  /** A connection with welcome received. */
  async welcomed(codec: CodecName = 'json'): Promise<RawPeer> {
    const peer = this.dial([SUBPROTOCOLS[codec]], codec);
    await peer.next();
    return peer;
  }

  /** A connection with both first frames exchanged. */
  async connect(codec: CodecName = 'json', hello: readonly unknown[] = HELLO): Promise<RawPeer> {
    const peer = await this.welcomed(codec);
    peer.send(hello);
    return peer;
  }

  /** Fails unless the bystander's call goes on delivering. */
  async servesOthers(): Promise<void> {
    const bystander = this.#bystander as RawPeer;
    bystander.send(bystander.item(2, 'still there?'));
    const frames = await bystander.until(([type]) => type !== 8);
    if (frames.at(-1)?.[3] !== 'still there?') throw new Error('The bystander was not served.');
  }

  /** Closes everything, and fails if anything is left. */
  async stop(): Promise<void> {
    for (const { socket } of this.#peers) socket.terminate();
    await until(() => this.engine.connections.size === 0 && this.engine.callCount === 0);
    await this.engine.close(100);
    await this.#upgrade.close();
    await new Promise((resolve) => {
      this.#http.close(resolve);
    });
    if (this.broken.length > 0) throw this.broken[0];
  }
}

function createMethods(handlers: Record<string, Handler>): Map<string, ServerMethod> {
  const push = { capacity: 16, overflowError: () => new StreamError('slow-consumer', 'Slow.') };
  return new Map(
    Object.entries(handlers).map(([name, handler]) => [
      `test.${name}`,
      { name: `test.${name}`, push, invoke: invokes(handler) },
    ]),
  );
}

function toStreamError(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  return new StreamError('internal', 'Told in general.', { id: 'x' });
}
