import type { CodecLimits } from '../../protocol/codec.js';
import type { ModelPort } from '../../protocol/model-port.js';
import type { BusHooks } from '../bus-hooks.js';
import { createConnections } from './create-connections.js';
import { RedisDriver } from './redis-driver.js';
import { type RedisBusOptions, type RedisConfig, resolveRedisBusOptions } from './redis-options.js';

export interface RedisDriverConfig {
  readonly redis: RedisConfig;
  readonly options?: RedisBusOptions | undefined;
  readonly models: ModelPort;
  readonly limits: CodecLimits;
  readonly hooks: BusHooks;
}

/**
 * Makes a driver and waits until Redis is there, as `startup` tells.
 *
 * @throws TypeError for an option that makes no sense, Error when ioredis is not installed or Redis
 *   can't be reached in time; nothing is left open then.
 */
export async function createRedisDriver({
  redis,
  options: given,
  models,
  limits,
  hooks,
}: RedisDriverConfig): Promise<RedisDriver> {
  const options = resolveRedisBusOptions(given);
  let driver: RedisDriver | undefined;
  const { connections, place } = await createConnections(redis, options, {
    statusChanged: (status, reason) => {
      hooks.statusChanged?.(status, reason);
      if (status === 'connected') driver?.history.connected();
    },
    probed: (latencyMs) => hooks.probed?.(latencyMs),
  });
  const { startup, startupTimeoutMs } = options;
  const timeoutMs = startup === 'wait' ? undefined : startupTimeoutMs;
  try {
    await connections.open(timeoutMs, (reason) => unreachable(place, startupTimeoutMs, reason));
  } catch (error) {
    connections.close();
    throw error;
  }
  driver = new RedisDriver({ connections, options, models, limits, hooks });
  return driver;
}

function unreachable(place: string, timeoutMs: number, reason: string): Error {
  return new Error(
    `StreamingModule: Redis at ${place} could not be reached within ${timeoutMs} ms: ${reason.replace(/\.$/, '')}. ` +
      "With bus.startup: 'wait' the application waits for it.",
  );
}
