import { type ModelClass, ModelRegistry } from '../model/registry.js';
import { type Limits, resolveLimits } from '../protocol/limits.js';
import { createSchedule } from '../protocol/schedule.js';
import type { CodecName } from '../protocol/version.js';
import type { CredentialsFunction } from './asked-credentials.js';
import type { BackoffOptions } from './backoff.js';
import type { ClientParts } from './client-core.js';
import type { Connect } from './connect.js';

/** Limits that only a server keeps. */
const OF_SERVERS = [
  'messageBytes',
  'inputsPerCall',
  'unreadBytesPerConnection',
  'helloTimeoutMs',
  'stuckHandlerMs',
] as const;

/** The bounds a client keeps. */
export type ClientLimits = Omit<Limits, (typeof OF_SERVERS)[number]>;

/** What a client can be told, beside where its server is. */
export interface ClientOptions {
  /**
   * Asked at each connect, on `refreshCredentials()`, when the server wishes fresh ones, and once for
   * a call that was refused as `unauthenticated`; what it gives is sent in-band, never in the URL.
   */
  readonly credentials?: CredentialsFunction;
  /** The model classes whose instances cross the wire; others arrive as an error. */
  readonly models?: readonly ModelClass[];
  /** `json` is readable in a browser's tools; `msgpack` carries bytes as bytes. @default 'json' */
  readonly codec?: CodecName;
  /** How long connecting may take, the server's first frame included, in ms. @default 5_000 */
  readonly connectTimeoutMs?: number;
  /** How long a connection without calls is kept, in ms. @default 5_000 */
  readonly idleMs?: number;
  /** How long to wait before connecting again. */
  readonly backoff?: BackoffOptions;
  /** What this side takes in, and how it sends. */
  readonly limits?: Partial<ClientLimits>;
}

/** Options of {@link createStreamingClient}. */
export interface StreamingClientOptions extends ClientOptions {
  /** Where the server listens: `ws://` or `wss://`, with the module's path. */
  readonly url: string;
}

/**
 * Fills in the defaults.
 *
 * @throws TypeError that names the option, for one that makes no sense.
 */
export function resolveClientOptions(options: ClientOptions, connect: Connect): ClientParts {
  const { codec = 'json', connectTimeoutMs = 5_000, idleMs = 5_000, backoff = {} } = options;
  if (codec !== 'json' && codec !== 'msgpack') {
    throw new TypeError(`codec must be 'json' or 'msgpack', not ${String(codec)}.`);
  }
  const { credentials } = options;
  if (credentials !== undefined && typeof credentials !== 'function') {
    throw new TypeError('credentials must be a function that gives a string or null.');
  }
  checkMs('connectTimeoutMs', connectTimeoutMs);
  checkMs('idleMs', idleMs);
  if (backoff.firstMs !== undefined) checkMs('backoff.firstMs', backoff.firstMs);
  if (backoff.maxMs !== undefined) checkMs('backoff.maxMs', backoff.maxMs);
  return {
    connect,
    codec,
    connectTimeoutMs,
    idleMs,
    backoff,
    models: new ModelRegistry(options.models ?? []),
    limits: resolveClientLimits(options.limits),
    schedule: createSchedule(),
    credentials,
  };
}

function resolveClientLimits(limits: Partial<Limits> = {}): Limits {
  const useless = OF_SERVERS.find((name) => limits[name] !== undefined);
  if (useless === undefined) return resolveLimits(limits);
  throw new TypeError(`limits.${useless} is kept by servers: set it there.`);
}

/** The longest time a timer takes; a longer one would run out at once. */
const LONGEST_MS = 2_147_483_647;

function checkMs(name: string, value: number): void {
  if (typeof value === 'number' && value >= 0 && value <= LONGEST_MS) return;
  throw new TypeError(
    `${name} must be a number of milliseconds from 0 to ${LONGEST_MS}, not ${String(value)}.`,
  );
}
