import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect } from 'vitest';
import { createStreamingClient } from '../../lib/client/index.js';
import type { StreamingClientOptions } from '../../lib/client/options.js';
import { ModelRegistry } from '../../lib/model/registry.js';
import type { Limits } from '../../lib/protocol/limits.js';
import { StreamError } from '../../lib/protocol/stream-error.js';
import type { ServerPeer } from '../../lib/server/call.js';
import type { ServerMethod } from '../../lib/server/method.js';
import { StreamingServer } from '../../lib/server/streaming-server.js';
import { WebSocketUpgrade } from '../../lib/server/web-socket-upgrade.js';
import { type EngineClient, type Handler, invokes, until } from '../engine/engine.js';
import { watchTimers } from '../engine/timers.js';

/** The engine on a real HTTP server, which can go away and come back on its port. */
export class Service<H extends Record<string, Handler>> {
  readonly #handlers: H;
  readonly #limits: Partial<Limits>;
  readonly #presented: (connection: ServerPeer) => void;
  readonly #clients: EngineClient<H>[] = [];
  readonly #timers = watchTimers();
  readonly #sockets = new Set<Duplex>();
  #http: Server | undefined;
  #upgrade: WebSocketUpgrade | undefined;
  #server: StreamingServer | undefined;
  port = 0;
  /** The connections that were opened, all told. */
  opened = 0;

  private constructor(
    handlers: H,
    limits: Partial<Limits>,
    presented: (connection: ServerPeer) => void,
  ) {
    this.#handlers = handlers;
    this.#limits = limits;
    this.#presented = presented;
  }

  static async start<H extends Record<string, Handler>>(
    handlers: H,
    limits: Partial<Limits> = {},
    presented: (connection: ServerPeer) => void = () => undefined,
  ): Promise<Service<H>> {
    const service = new Service(handlers, limits, presented);
    await service.start();
    return service;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/streaming`;
  }

  get server(): StreamingServer {
    if (this.#server === undefined) throw new Error('It was never started.');
    return this.#server;
  }

  /** The raw sockets of the clients that are connected. */
  get sockets(): readonly Duplex[] {
    return [...this.#sockets];
  }

  createClient(options: Partial<StreamingClientOptions> = {}): EngineClient<H> {
    const client = createStreamingClient({
      url: this.url,
      ...options,
    }) as unknown as EngineClient<H>;
    this.#clients.push(client);
    return client;
  }

  async start(): Promise<void> {
    const server = new StreamingServer({
      methods: createMethods(this.#handlers),
      models: new ModelRegistry([]),
      limits: this.#limits,
      hooks: { connectionOpened: () => this.opened++, credentialsPresented: this.#presented },
      toStreamError: (error) =>
        error instanceof StreamError ? error : new StreamError('internal', 'Told in general.'),
    });
    const upgrade = new WebSocketUpgrade(server);
    const http = createServer();
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    http.on('upgrade', (request, socket, head) => upgrade.handle(request, socket, head));
    await new Promise<void>((resolve) => http.listen(this.port, '127.0.0.1', resolve));
    this.port = (http.address() as AddressInfo).port;
    [this.#server, this.#upgrade, this.#http] = [server, upgrade, http];
  }

  /** Goes away without a word, as a process that is killed. */
  async crash(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    const closed = new Promise((resolve) => http?.close(resolve) ?? resolve(undefined));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Closes all and proves that nothing is left: no call, no socket, no timer. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#clients.map((client) => client.close()));
      for (const client of this.#clients) expect(client.status).toBe('closed');
      await until(() => this.server.callCount === 0 && this.server.connections.size === 0);
      await until(() => this.#sockets.size === 0);
      await this.server.close(100);
      await this.#upgrade?.close();
      await this.crash();
      expect(this.#timers.pending()).toEqual([]);
    } finally {
      this.#timers.stop();
    }
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

/** Waits this long, where something must be seen not to happen, or a timer to run out. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
