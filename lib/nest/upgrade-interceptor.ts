import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers the upgrade requests of one path. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What an HTTP, HTTPS or any other adapter's server has in common. */
export type UpgradeServer = Pick<Server, 'emit' | 'on' | 'off' | 'listenerCount'>;

/**
 * Takes the upgrade requests of one path before any listener of the server sees them: a gateway of
 * `WsAdapter` destroys the sockets of paths it doesn't know.
 */
export class UpgradeInterceptor {
  readonly #server: UpgradeServer;
  readonly #path: string;
  readonly #handle: UpgradeHandler;
  readonly #intercepted: Server['emit'];
  /** The server's own `emit`, where it had one, to be put back as it was. */
  #own: PropertyDescriptor | undefined;
  #emit: Server['emit'];
  #isActive = false;

  constructor(server: UpgradeServer, path: string, handle: UpgradeHandler) {
    this.#server = server;
    this.#path = path;
    this.#handle = handle;
    this.#emit = server.emit;
    this.#intercepted = this.#intercept.bind(this) as Server['emit'];
  }

  /** Begins. Called once. */
  attach(): void {
    this.#isActive = true;
    this.#own = Object.getOwnPropertyDescriptor(this.#server, 'emit');
    this.#emit = this.#server.emit;
    this.#server.emit = this.#intercepted;
    // Node gives upgrades only to a server that listens for them.
    this.#server.on('upgrade', this.#answerOthers);
  }

  /** Gives the upgrades back, and leaves no trace. Harmless when repeated. */
  release(): void {
    this.#isActive = false;
    this.#server.off('upgrade', this.#answerOthers);
    // Somebody may have put an emit of their own around this one: it stays then, and passes all on.
    if (this.#server.emit !== this.#intercepted) return;
    if (this.#own === undefined) Reflect.deleteProperty(this.#server, 'emit');
    else Object.defineProperty(this.#server, 'emit', this.#own);
  }

  #intercept(...args: [event: string, ...unknown[]]): boolean {
    const [event, request, socket, head] = args;
    const isOurs =
      this.#isActive && event === 'upgrade' && pathOf(request as IncomingMessage) === this.#path;
    if (!isOurs) return Reflect.apply(this.#emit, this.#server, args) as boolean;
    this.#handle(request as IncomingMessage, socket as Duplex, head as Buffer);
    return true;
  }

  /** Where nobody else takes upgrades; a socket without an answer would keep the server open. */
  readonly #answerOthers = (_: IncomingMessage, socket: Duplex): void => {
    if (this.#server.listenerCount('upgrade') === 1) refuse(socket);
  };
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

function refuse(socket: Duplex): void {
  socket.on('error', () => undefined);
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
