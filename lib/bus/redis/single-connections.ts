import type { BusStatus } from '../bus-driver.js';
import { ConnectionStatus } from './connection-status.js';
import {
  type ConnectionsListener,
  type RawReceiver,
  type RawSubscription,
  RedisConnections,
} from './redis-connections.js';
import type { RedisArgument } from './redis-link.js';
import type { RedisScript } from './redis-script.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';

/** A Redis that is one server, found by its address or by sentinels. */
export class SingleConnections extends RedisConnections {
  readonly publishVerb = 'PUBLISH';
  readonly prefix: string;
  readonly #server: RedisServer;
  readonly #status: ConnectionStatus;

  constructor(prefix: string, options: RedisServerOptions, listener: ConnectionsListener) {
    super();
    this.prefix = prefix;
    this.#status = new ConnectionStatus((status, reason) => listener.statusChanged(status, reason));
    this.#server = new RedisServer(options, {
      ready: () => this.#status.connected(),
      troubled: (reason) => this.#status.troubled(reason),
      probed: (latencyMs) => listener.probed(latencyMs),
    });
  }

  get status(): BusStatus {
    return this.#status.current;
  }

  open(timeoutMs: number | undefined, explain: (reason: string) => Error): Promise<void> {
    this.#server.open();
    return this.#status.wait(timeoutMs, explain);
  }

  command(
    _key: string,
    name: string,
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown> {
    return this.#server.command(name, args, timeoutMs);
  }

  script(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown> {
    return this.#server.script(script, keys, args, timeoutMs);
  }

  subscribe(channel: string, receiver: RawReceiver): RawSubscription {
    return this.#server.subscribe(channel, receiver);
  }

  close(): void {
    this.#server.close();
    this.#status.closed();
  }
}
