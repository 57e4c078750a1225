import { createServer, type Server } from 'node:http';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { MessageBus } from '../bus/message-bus.js';
import { StreamingServer } from '../server/streaming-server.js';
import { WebSocketUpgrade } from '../server/web-socket-upgrade.js';
import { BusLog } from './bus-log.js';
import { loadedCopies } from './copies.js';
import { DeclarationLog } from './declaration-log.js';
import { MethodCompiler } from './method-compiler.js';
import { MethodExplorer } from './method-explorer.js';
import { MethodRegistry } from './method-registry.js';
import { StreamingAuthentication } from './streaming-authentication.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './streaming-options.js';
import { UpgradeInterceptor, type UpgradeServer } from './upgrade-interceptor.js';

/** Opens for clients when the application has started, and lets calls end before it stops. */
@Injectable()
export class StreamingLifecycle
  implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  private readonly logger = new Logger('Streaming');
  #upgrade: WebSocketUpgrade | undefined;
  #interceptor: UpgradeInterceptor | undefined;
  #ownServer: Server | undefined;
  #opening: Promise<void> | undefined;
  #isOpen = false;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly explorer: MethodExplorer,
    private readonly compiler: MethodCompiler,
    private readonly registry: MethodRegistry,
    readonly server: StreamingServer,
    private readonly bus: MessageBus,
    private readonly busLog: BusLog,
    private readonly authentication: StreamingAuthentication,
    private readonly adapterHost: HttpAdapterHost,
    private readonly declarations: DeclarationLog,
  ) {}

  /** Whether the streaming methods are there for clients. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A microservice of a hybrid application that is initialized late runs all these hooks again. */
  async onApplicationBootstrap(): Promise<void> {
    this.#opening ??= this.#open();
    await this.#opening;
  }

  async #open(): Promise<void> {
    this.#mapMethods();
    await this.authentication.open();
    const server = await this.#httpServer();
    if (server !== undefined) this.#attach(server);
    this.#isOpen = true;
    this.#tellPlace(server);
  }

  /** Before Nest closes the HTTP server, which waits for every socket. */
  async onModuleDestroy(): Promise<void> {
    this.#isOpen = false;
    await this.#drain();
    // A provider that waits in its own hook for its loop over a subscription would wait for ever.
    this.bus.endSubscriptions();
    await this.#upgrade?.close();
    this.#interceptor?.release();
    await this.#closeOwnServer();
  }

  /** A phase later: other providers may publish in `onModuleDestroy` and `beforeApplicationShutdown`. */
  async onApplicationShutdown(): Promise<void> {
    await this.authentication.close();
    await this.bus.close();
    this.busLog.close();
  }

  async #drain(): Promise<void> {
    const { drainMs } = this.options;
    const running = this.server.callCount;
    if (running > 0) {
      const told =
        running === 1 ? '1 call is running: it has' : `${running} calls are running: they have`;
      this.logger.log(`${told} ${drainMs} ms to end`);
    }
    const cutOff = await this.server.close(drainMs);
    if (cutOff > 0)
      this.logger.log(cutOff === 1 ? '1 call was cut off' : `${cutOff} calls were cut off`);
  }

  #mapMethods(): void {
    for (const method of this.explorer.explore()) {
      const handler = this.compiler.compile(method);
      this.registry.add(method, handler);
      this.logger.log(`Mapped {${handler.name}}`);
    }
    this.declarations.tellUntyped();
    this.#tellCopies();
  }

  #tellCopies(): void {
    const copies = loadedCopies();
    if (copies.length < 2) return;
    this.logger.warn(
      `There are ${copies.length} copies of nestjs-streaming, ${copies.join(' and ')}: guards and sessions of one mean nothing to the others. Install it once.`,
    );
  }

  #tellPlace(server: UpgradeServer | undefined): void {
    if (server === undefined || this.registry.size === 0) return;
    const address = this.#ownServer?.address();
    const port = typeof address === 'object' && address !== null ? `, port ${address.port}` : '';
    this.logger.log(`Streaming methods at ${this.options.path}${port}`);
  }

  #attach(server: UpgradeServer): void {
    const upgrade = new WebSocketUpgrade(this.server, this.options.allowedOrigins);
    this.#upgrade = upgrade;
    this.#interceptor = new UpgradeInterceptor(server, this.options.path, (request, socket, head) =>
      upgrade.handle(request, socket, head),
    );
    this.#interceptor.attach();
  }

  async #httpServer(): Promise<UpgradeServer | undefined> {
    const { port } = this.options;
    if (port !== undefined) return this.#listen(port);
    const server: unknown = this.adapterHost.httpAdapter?.getHttpServer();
    return isUpgradeServer(server) ? server : undefined;
  }

  #listen(port: number): Promise<Server> {
    const server = createServer((_, response) => response.writeHead(426).end('Upgrade Required'));
    this.#ownServer = server;
    return new Promise((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new Error(`StreamingModule: can't listen on the option port ${port}.`, { cause })),
      );
      server.listen(port, () => resolve(server));
    });
  }

  async #closeOwnServer(): Promise<void> {
    const server = this.#ownServer;
    if (server?.listening !== true) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}

/** An application context has no adapter, and a microservice one without a server. */
function isUpgradeServer(server: unknown): server is UpgradeServer {
  const { emit, on } = (server ?? {}) as Partial<UpgradeServer>;
  return typeof emit === 'function' && typeof on === 'function';
}
