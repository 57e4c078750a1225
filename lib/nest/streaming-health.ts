import { Inject, Injectable } from '@nestjs/common';
import type { BusStatus } from '../bus/bus-driver.js';
import { MessageBus } from '../bus/message-bus.js';
import { StreamingServer } from '../server/streaming-server.js';
import { type BusCounters, BusLog } from './bus-log.js';
import { StreamingAuthentication } from './streaming-authentication.js';
import { StreamingLifecycle } from './streaming-lifecycle.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './streaming-options.js';

/**
 * The status of the `MessageBus` and what it has counted since the process started; `probeMs` with
 * Redis alone, and while it can be reached.
 */
export interface BusHealth extends Readonly<Omit<BusCounters, 'probeMs'>> {
  readonly status: BusStatus;
  /** How long the last probe through both connections to Redis took, in ms. */
  readonly probeMs?: number;
}

/** What is told of the streaming server, as `@nestjs/terminus` takes it. */
export interface StreamingHealth {
  readonly status: 'up' | 'down';
  /** How many clients are connected to this process. */
  readonly connections: number;
  /** How many of their calls run. */
  readonly calls: number;
  /**
   * With an authenticator: whether guarded calls are opened and written, or rest because this process
   * can't know what was revoked. Public calls run in either case.
   */
  readonly guardedCalls?: 'open' | 'resting';
  /** How it stands with the `MessageBus`. */
  readonly bus: BusHealth;
}

/**
 * A health indicator for `@nestjs/terminus`: up while new calls are accepted and the bus is connected,
 * down before the start and from the moment the application begins to close, when calls that run may
 * still end. Inject it where the health check is: `health.check([() => streaming.isHealthy()])`.
 */
@Injectable()
export class StreamingHealthIndicator {
  constructor(
    private readonly lifecycle: StreamingLifecycle,
    private readonly server: StreamingServer,
    private readonly authentication: StreamingAuthentication,
    private readonly bus: MessageBus,
    private readonly busLog: BusLog,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * `key` is the name it has among the other indicators, `'streaming'` by default. `needsBus` tells
   * whether it is down while Redis can't be reached; by default it is, unless `bus.onUnavailable` is
   * `'local'`, by which the servers go on each for itself. Never rejects.
   */
  async isHealthy<const Key extends string = 'streaming'>(
    key: Key = 'streaming' as Key,
    { needsBus = this.options.bus.onUnavailable === 'fail' }: { readonly needsBus?: boolean } = {},
  ): Promise<Record<Key, StreamingHealth>> {
    return { [key]: this.#health(needsBus) } as Record<Key, StreamingHealth>;
  }

  #health(needsBus: boolean): StreamingHealth {
    const { connections, callCount, isOpen } = this.server;
    const { isCurrent } = this.authentication;
    const isServed = !needsBus || this.bus.status === 'connected';
    return {
      status: this.lifecycle.isOpen && isOpen && isServed ? 'up' : 'down',
      connections: connections.size,
      calls: callCount,
      ...(isCurrent === undefined ? {} : { guardedCalls: isCurrent ? 'open' : 'resting' }),
      bus: this.#busHealth(),
    };
  }

  #busHealth(): BusHealth {
    const { status } = this.bus;
    const { probeMs, ...counters } = this.busLog.counters;
    // One that an outage has made old would pass for a fast one.
    const isProbed = this.options.redis !== undefined && status === 'connected';
    return { status, ...counters, ...(isProbed ? { probeMs } : {}) };
  }
}
