import { ownFields } from '../model/own-fields.js';
import { isSerializable, type ModelClass, ModelRegistry } from '../model/registry.js';
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
  /**
   * The classes with `@Serializable()` whose instances cross the wire; an instance of another one
   * fails its call, whichever way it goes.
   */
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
  /**
   * Where the server listens: `ws://` or `wss://` (or `http://` or `https://`, which mean the same),
   * with the module's path. In a browser it may be relative to the page.
   */
  readonly url: string;
}

/**
 * Where the server listens.
 *
 * @throws TypeError when that isn't told.
 */
export function urlOf({ url }: StreamingClientOptions): string {
  if (`${url ?? ''}` !== '') return url;
  throw new TypeError(
    "url is missing: where the server listens, 'ws://localhost:3000/streaming' say.",
  );
}

const PROTOCOLS: readonly string[] = ['ws:', 'wss:', 'http:', 'https:'];

/**
 * Where the server listens, where no page is that a URL could be relative to.
 *
 * @throws TypeError when that isn't told, or can't be connected to.
 */
export function absoluteUrlOf(options: StreamingClientOptions): string {
  const url = urlOf(options);
  if (URL.canParse(url) && PROTOCOLS.includes(new URL(url).protocol)) return url;
  throw new TypeError(
    `url must be absolute and begin with ws://, wss://, http:// or https://, not ${url}.`,
  );
}

/**
 * Fills in the defaults.
 *
 * @throws TypeError that names the option, for one that makes no sense.
 */
export function resolveClientOptions(options: ClientOptions, connect: Connect): ClientParts {
  checkNames('', options, OPTIONS);
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
  checkNames('backoff.', backoff, ['firstMs', 'maxMs']);
  if (backoff.firstMs !== undefined) checkMs('backoff.firstMs', backoff.firstMs);
  if (backoff.maxMs !== undefined) checkMs('backoff.maxMs', backoff.maxMs);
  return {
    connect,
    codec,
    connectTimeoutMs,
    idleMs,
    backoff,
    models: createModels(options.models),
    limits: resolveClientLimits(options.limits),
    schedule: createSchedule(),
    credentials,
  };
}

const OPTIONS: readonly (keyof StreamingClientOptions)[] = [
  'url',
  'credentials',
  'models',
  'codec',
  'connectTimeoutMs',
  'idleMs',
  'backoff',
  'limits',
];

/** A misspelt option would be without effect, and its user none the wiser. */
function checkNames(prefix: string, given: object, known: readonly string[]): void {
  const unknown = Object.entries(given).find(
    ([name, it]) => it !== undefined && !known.includes(name),
  );
  if (unknown === undefined) return;
  throw new TypeError(`${prefix}${unknown[0]} is unknown: there are ${known.join(', ')}.`);
}

function createModels(models: readonly ModelClass[] = []): ModelRegistry {
  if (!Array.isArray(models)) throw new TypeError('models must be a list of classes.');
  for (const [place, model] of models.entries()) checkModel(model, place);
  return new ModelRegistry(models, ownFields, "add it to the client's `models`");
}

function checkModel(model: unknown, place: number): void {
  if (typeof model !== 'function') throw new TypeError(`models[${place}] is not a class.`);
  if (isSerializable(model)) return;
  throw new TypeError(
    `models[${place}], ${model.name || 'a class without a name'}, has no @Serializable(): add it to the class itself.`,
  );
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
