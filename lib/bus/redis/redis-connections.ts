import type { BusStatus } from '../bus-driver.js';
import type { RedisArgument } from './redis-link.js';
import type { RedisScript } from './redis-script.js';

/**
 * What one channel of Redis tells its one receiver, in order and never from inside one another. No
 * member may throw.
 */
export interface RawReceiver {
  /** One message, as it came; the bytes may be kept. */
  message(payload: Buffer): void;
  /** What is published from here on arrives: at first, and again after each interruption. */
  stands(): void;
  /** A subscription that stood is broken: what is published from here to `stands()` is lost. */
  interrupted(reason: string): void;
  /** Redis refuses the channel for good; nothing follows. */
  failed(error: Error): void;
}

export interface RawSubscription {
  /** Ends it: the receiver isn't called again. Harmless when repeated. */
  cancel(): void;
}

/** What the connections tell their owner. None of its members throws. */
export interface ConnectionsListener {
  /** The status has changed; for `reconnecting`, why. */
  statusChanged(status: BusStatus, reason: string): void;
  /** A probe went through both connections of a server and came back. */
  probed(latencyMs: number): void;
}

/**
 * The way to one Redis, be it a single server or a cluster: one connection to each server to send
 * commands on, one to receive what is published. Both are made anew whenever they are lost, and
 * after a silence that a probe notices.
 */
export abstract class RedisConnections {
  /** `connected` when every server that is needed can be reached on both connections. */
  abstract readonly status: BusStatus;
  /** The command that publishes, in scripts too: sharded in a cluster. */
  abstract readonly publishVerb: 'PUBLISH' | 'SPUBLISH';
  /** What all keys and channels begin with. */
  abstract readonly prefix: string;

  /**
   * Begins to connect; called once. Resolves when the status is `connected`. Rejects when that takes
   * longer than `timeoutMs`, with what `explain` makes of the last reason; the attempts go on until
   * `close()`. Without a time it takes as long as it takes.
   */
  abstract open(timeoutMs: number | undefined, explain: (reason: string) => Error): Promise<void>;

  /**
   * Sends a command at once to the server that has `key`; commands for one key keep their order.
   * Resolves with the reply, strings as Buffers. It is never sent twice. Rejects with the server's
   * error when it refuses the command, with a `NotSentError` when there is no connection, and with a
   * `BusUnavailableError` when it breaks and after `timeoutMs` (by default the bus's
   * `publishTimeoutMs`): nobody knows then whether the command was executed.
   */
  abstract command(
    key: string,
    name: string,
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown>;

  /**
   * Runs a script, like `command`; all keys have to be of one slot, and the first one tells which. It
   * is loaded before its first run on each connection. One that Redis has forgotten since is loaded
   * again next time; this call is rejected, because trying it again might let a later one overtake it.
   */
  abstract script(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly RedisArgument[],
    timeoutMs?: number,
  ): Promise<unknown>;

  /**
   * Subscribes to a channel of Redis, which has one receiver at a time. The receiver is called once
   * this has returned. After `cancel()` the channel is kept for a moment, so that one who comes back
   * at once finds it standing.
   */
  abstract subscribe(channel: string, receiver: RawReceiver): RawSubscription;

  /** Lets everything go; no receiver is called afterwards, and what is under way is rejected. */
  abstract close(): void;
}
