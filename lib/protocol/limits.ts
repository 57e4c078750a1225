import type { CodecLimits } from './codec.js';
import type { Credit } from './frames.js';
import { shownValue } from './shown-value.js';

/** The bounds a side keeps (PROTOCOL.md, section 9). Each is an option. */
export interface Limits extends CodecLimits {
  /** The largest WebSocket message taken in, in bytes. @default 1_048_576 */
  readonly messageBytes: number;
  /** How deep a message may nest: arrays, objects and models. @default 64 */
  readonly depth: number;
  /** Type names a peer may announce on a connection. @default 1024 */
  readonly types: number;
  /** Calls open at once on a connection; more are refused. @default 128 */
  readonly callsPerConnection: number;
  /** Inputs of one call. @default 16 */
  readonly inputsPerCall: number;
  /** Items of a stream that may be under way or unread. @default 4096 */
  readonly windowItems: number;
  /** Bytes of a stream that may be under way or unread. @default 262_144 */
  readonly windowBytes: number;
  /**
   * Bytes that may wait unread in all inputs of a connection together; what exceeds it ends the call
   * it came for. As many may be held by calls as their arguments; what exceeds that is refused.
   * @default 16_777_216
   */
  readonly unreadBytesPerConnection: number;
  /**
   * By how many frames those that can't be read may outnumber the others, before the connection is
   * closed. @default 4096
   */
  readonly unreadableFrames: number;
  /** Bytes a message gathers before it is sent without waiting for the turn's end. @default 32_768 */
  readonly flushBytes: number;
  /** Bytes in the socket's send buffer above which no producer is pulled. @default 262_144 */
  readonly sendBufferBytes: number;
  /** Bytes in the socket's send buffer above which a peer that reads nothing is closed. @default 4_194_304 */
  readonly stalledBufferBytes: number;
  /** How long a peer may read nothing of such a buffer, in ms. @default 10_000 */
  readonly stalledMs: number;
  /** Time between pings when nothing else comes, in ms. @default 15_000 */
  readonly pingIntervalMs: number;
  /** How long an answer to a ping may take, in ms. @default 10_000 */
  readonly pongTimeoutMs: number;
  /**
   * How often a client may present credentials on one connection: so many times at once, and as many
   * again in each minute. @default 60
   */
  readonly credentialsPerMinute: number;
  /** How long a client may take for its first frame, in ms. @default 5_000 */
  readonly helloTimeoutMs: number;
  /** After how long a handler that ignores its cancellation is named in the log, in ms. @default 30_000 */
  readonly stuckHandlerMs: number;
}

/** The limits nobody set otherwise. */
export const DEFAULT_LIMITS: Limits = {
  messageBytes: 1_048_576,
  depth: 64,
  types: 1024,
  callsPerConnection: 128,
  inputsPerCall: 16,
  windowItems: 4096,
  windowBytes: 262_144,
  unreadBytesPerConnection: 16_777_216,
  unreadableFrames: 4096,
  flushBytes: 32_768,
  sendBufferBytes: 262_144,
  stalledBufferBytes: 4_194_304,
  stalledMs: 10_000,
  pingIntervalMs: 15_000,
  pongTimeoutMs: 10_000,
  credentialsPerMinute: 60,
  helloTimeoutMs: 5_000,
  stuckHandlerMs: 30_000,
};

/** The longest time a timer takes; a longer one would run out at once. */
const LONGEST_MS = 2_147_483_647;

/** A socket tells that it ran empty only after it held more than this. */
const SMALLEST_SEND_BUFFER_BYTES = 16_384;

/**
 * Fills in the defaults.
 *
 * @throws TypeError that names the limit, for one that is unknown or out of its range.
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      const known = Object.keys(DEFAULT_LIMITS).join(', ');
      throw new TypeError(`limits.${name} is unknown: there are ${known}.`);
    }
    checkRange(name, value);
  }
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(set) };
}

function checkRange(name: string, value: unknown): void {
  const least = name === 'sendBufferBytes' ? SMALLEST_SEND_BUFFER_BYTES : 1;
  const most = name.endsWith('Ms') ? LONGEST_MS : Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw new TypeError(
    `limits.${name} must be a whole number from ${least} to ${most}, not ${shownValue(value)}.`,
  );
}

/** What a side grants each new stream, as it stands in its first frame. */
export function firstCredit(limits: Limits): Credit {
  return { items: limits.windowItems, bytes: limits.windowBytes };
}
