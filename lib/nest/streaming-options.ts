import type { ModuleMetadata, Type } from '@nestjs/common';
import type { BusHooks } from '../bus/bus-hooks.js';
import {
  checkRedisConfig,
  type RedisBusOptions,
  type RedisConfig,
  type ResolvedRedisBusOptions,
  resolveRedisBusOptions,
} from '../bus/redis/redis-options.js';
import type { TransformOptions } from '../model/class-transformer.js';
import type { ValidatorOptions } from '../model/validation.js';
import { type Limits, resolveLimits } from '../protocol/limits.js';
import { shownValue } from '../protocol/shown-value.js';
import { type AllowedOrigins, createOriginTest } from '../server/allowed-origins.js';
import {
  type AuthenticatorOption,
  type AuthOptions,
  type ResolvedAuthOptions,
  resolveAuthOptions,
} from './auth-options.js';
import { checkBusHooks } from './bus-hooks.js';

export type { AllowedOrigins };

/** What `StreamingModule.forRoot()` takes. */
export interface StreamingModuleOptions {
  /** The path of the WebSocket. A global prefix doesn't apply to it. @default '/streaming' */
  readonly path?: string;
  /**
   * A port of its own for the WebSocket, where there is no HTTP server to share: in an application
   * context, say. @default the application's HTTP server
   */
  readonly port?: number;
  /** How long calls that run at shutdown have to end, in ms. @default 10_000 */
  readonly drainMs?: number;
  /**
   * class-transformer's options, for the models that cross the wire: groups, version, strategy and
   * so on. @default class-transformer's own
   */
  readonly transform?: TransformOptions;
  /**
   * class-validator's options, for the models that clients send; `false` leaves them unchecked.
   * @default class-validator's own
   */
  readonly validation?: ValidatorOptions | false;
  /** Bounds of messages, calls, memory and patience. */
  readonly limits?: Partial<Limits>;
  /**
   * The Redis that carries the messages of the `MessageBus` between servers; it needs the package
   * ioredis. @default none: messages stay in the process
   */
  readonly redis?: RedisConfig | undefined;
  /** How the `MessageBus` uses Redis. */
  readonly bus?: RedisBusOptions;
  /** Told what the `MessageBus` does: for metrics. What they throw stands in the log. */
  readonly busHooks?: BusHooks;
  /**
   * Finds out who a client is: a class, which Nest makes with what the importing module can inject
   * unless a module provides it, or an instance. @default none: `session.auth` is `null`
   */
  readonly authenticator?: AuthenticatorOption | undefined;
  /** How authentication and revocation work. */
  readonly auth?: AuthOptions;
  /**
   * The origins whose pages may connect, as a list of `https://app.example` and of regular
   * expressions that match a whole origin, or as a function; a browser on another page gets HTTP 403.
   * @default any, and cookies only from pages of the server's own host
   */
  readonly allowedOrigins?: AllowedOrigins | undefined;
}

/** A class that makes the options, for `useClass` and `useExisting`. */
export interface StreamingOptionsFactory {
  createStreamingOptions(): StreamingModuleOptions | Promise<StreamingModuleOptions>;
}

/** What `StreamingModule.forRootAsync()` takes: one of the three ways to make the options. */
export interface StreamingModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` is given. */
  readonly inject?: unknown[];
  readonly useFactory?: (
    ...injected: never[]
  ) => StreamingModuleOptions | Promise<StreamingModuleOptions>;
  /** A class to make for this, with its dependencies. */
  readonly useClass?: Type<StreamingOptionsFactory>;
  /** A class that is provided already. */
  readonly useExisting?: Type<StreamingOptionsFactory>;
}

/** The options with their defaults. */
export interface ResolvedOptions {
  readonly path: string;
  readonly port: number | undefined;
  readonly drainMs: number;
  readonly limits: Limits;
  readonly transform: TransformOptions;
  readonly validation: ValidatorOptions | false;
  readonly redis: RedisConfig | undefined;
  readonly bus: ResolvedRedisBusOptions;
  readonly busHooks: BusHooks | undefined;
  readonly authenticator: AuthenticatorOption | undefined;
  readonly auth: ResolvedAuthOptions;
  readonly allowedOrigins: AllowedOrigins | undefined;
}

/** The token of {@link ResolvedOptions}. */
export const RESOLVED_OPTIONS = Symbol.for('nestjs-streaming:resolved-options');

const KNOWN = [
  'path',
  'port',
  'drainMs',
  'limits',
  'transform',
  'validation',
  'redis',
  'bus',
  'busHooks',
  'authenticator',
  'auth',
  'allowedOrigins',
];

/**
 * Fills in the defaults.
 *
 * @throws TypeError with a sentence that names the option.
 */
export function resolveStreamingOptions(given: StreamingModuleOptions): ResolvedOptions {
  for (const name of Object.keys(given)) {
    if (!KNOWN.includes(name)) throw wrong(name, `is unknown: there are ${KNOWN.join(', ')}`);
  }
  const { path = '/streaming', port, drainMs = 10_000, limits } = given;
  const { transform = {}, validation = {} } = given;
  if (typeof path !== 'string' || !/^\/[^?#\s]*$/.test(path)) {
    throw wrong('path', `must begin with a slash and have no query, not ${shownValue(path)}`);
  }
  if (port !== undefined && !isWhole(port, 65_535)) {
    throw wrong('port', `must be a whole number from 0 to 65535, not ${shownValue(port)}`);
  }
  if (!isWhole(drainMs, 2 ** 31 - 1)) {
    throw wrong('drainMs', `must be a whole number of milliseconds, not ${shownValue(drainMs)}`);
  }
  const { redis } = given;
  if (redis !== undefined) checkRedisConfig(redis);
  const { busHooks, authenticator, allowedOrigins } = given;
  checkBusHooks(busHooks);
  checkOrigins(allowedOrigins);
  return {
    path,
    port,
    drainMs,
    limits: checkedLimits(limits),
    transform,
    validation,
    redis,
    bus: resolveRedisBusOptions(given.bus),
    busHooks,
    authenticator,
    auth: resolveAuthOptions(given.auth, authenticator),
    allowedOrigins,
  };
}

function checkedLimits(given: Partial<Limits> | undefined): Limits {
  try {
    return resolveLimits(given);
  } catch (error) {
    throw new TypeError(`StreamingModule: the option ${(error as Error).message}`);
  }
}

function checkOrigins(allowed: AllowedOrigins | undefined): void {
  try {
    createOriginTest(allowed);
  } catch (error) {
    throw wrong('allowedOrigins', error instanceof Error ? error.message : String(error));
  }
}

function isWhole(value: unknown, maximum: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= maximum;
}

function wrong(option: string, sentence: string): TypeError {
  return new TypeError(`StreamingModule: the option ${option} ${sentence}.`);
}
