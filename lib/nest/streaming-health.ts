import { Injectable } from '@nestjs/common';
import { StreamingServer } from '../server/streaming-server.js';
import { StreamingAuthentication } from './streaming-authentication.js';
import { StreamingLifecycle } from './streaming-lifecycle.js';

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
}

/**
 * A health indicator for `@nestjs/terminus`: up while new calls are accepted, down before the start
 * and from the moment the application begins to close, when calls that run may still end. Inject
 * it where the health check is: `health.check([() => streaming.isHealthy()])`.
 */
@Injectable()
export class StreamingHealthIndicator {
  constructor(
    private readonly lifecycle: StreamingLifecycle,
    private readonly server: StreamingServer,
    private readonly authentication: StreamingAuthentication,
  ) {}

  /** `key` is the name it has among the other indicators. Never rejects. @default 'streaming' */
  async isHealthy<const Key extends string = 'streaming'>(
    key: Key = 'streaming' as Key,
  ): Promise<Record<Key, StreamingHealth>> {
    return { [key]: this.#health() } as Record<Key, StreamingHealth>;
  }

  #health(): StreamingHealth {
    const { connections, callCount, isOpen } = this.server;
    const { isCurrent } = this.authentication;
    return {
      status: this.lifecycle.isOpen && isOpen ? 'up' : 'down',
      connections: connections.size,
      calls: callCount,
      ...(isCurrent === undefined ? {} : { guardedCalls: isCurrent ? 'open' : 'resting' }),
    };
  }
}
