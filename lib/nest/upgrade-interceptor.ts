import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers the upgrade requests of one path. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What an HTTP, HTTPS or any other adapter's server has in common. */
export type UpgradeServer = Pick<Server, 'emit' | 'on' | 'off' | 'listenerCount'>;

/**
 * Takes the upgrade requests of one path before any listener of the server sees them: a gateway of
 * `WsAdapter` destroys the sockets of paths it doesn't know. Returns what gives them back.
 */
export function interceptUpgrades(
  server: UpgradeServer,
  path: string,
  handle: UpgradeHandler,
): () => void {
  const before = Object.getOwnPropertyDescriptor(server, 'emit');
  const emit = server.emit;
  let isActive = true;
  const intercepted = function (this: unknown, ...args: [string, ...unknown[]]): boolean {
    const [event, request, socket, head] = args;
    if (!isActive || event !== 'upgrade' || pathOf(request as IncomingMessage) !== path) {
      return Reflect.apply(emit, this, args) as boolean;
    }
    handle(request as IncomingMessage, socket as Duplex, head as Buffer);
    return true;
  };
  const answerOthers = (_: IncomingMessage, socket: Duplex): void => {
    if (server.listenerCount('upgrade') === 1) refuse(socket);
  };
  server.emit = intercepted as Server['emit'];
  // Node gives upgrades only to a server that listens for them.
  server.on('upgrade', answerOthers);
  return () => {
    isActive = false;
    server.off('upgrade', answerOthers);
    // Somebody may have put an emit of their own around this one: then it stays, and passes all on.
    if (server.emit !== (intercepted as Server['emit'])) return;
    if (before === undefined) Reflect.deleteProperty(server, 'emit');
    else Object.defineProperty(server, 'emit', before);
  };
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '';
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

/** A socket that nobody answers would keep the server from closing. */
function refuse(socket: Duplex): void {
  socket.on('error', () => undefined);
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
