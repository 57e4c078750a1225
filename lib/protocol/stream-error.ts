/** The codes a server may send (PROTOCOL.md, section 7). The set is closed. */
export const ERROR_CODES = [
  'invalid-argument',
  'unauthenticated',
  'permission-denied',
  'revoked',
  'not-found',
  'resource-exhausted',
  'deadline-exceeded',
  'slow-consumer',
  'cancelled',
  'unavailable',
  'internal',
] as const;

/** The codes that only the client's own side gives; they never cross the wire. */
export const CONNECTION_ERROR_CODES = [
  'connect-failed',
  'connect-timeout',
  'connection-lost',
] as const;

export type WireErrorCode = (typeof ERROR_CODES)[number];
export type ConnectionErrorCode = (typeof CONNECTION_ERROR_CODES)[number];
export type StreamErrorCode = WireErrorCode | ConnectionErrorCode;

export interface StreamErrorOptions {
  /** What a program can read: for `invalid-argument` the properties and their constraints. */
  readonly data?: unknown;
  /** The id under which the server logged the whole error. */
  readonly id?: string;
  /** Kept for the log of this side; never sent. */
  readonly cause?: unknown;
}

/** The error a call or an input ends with. `code` says what to do about it. */
export class StreamError extends Error {
  readonly code: StreamErrorCode;
  readonly data?: unknown;
  /** The id under which the server logged the whole error; there for `internal`. */
  readonly id?: string;

  constructor(code: StreamErrorCode, message: string, options: StreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.data !== undefined) this.data = options.data;
    if (options.id !== undefined) this.id = options.id;
  }

  static {
    StreamError.prototype.name = 'StreamError';
  }
}

const wireCodes: ReadonlySet<unknown> = new Set(ERROR_CODES);

/** Whether a peer's word is a code of the closed set. */
export function isWireErrorCode(code: unknown): code is WireErrorCode {
  return wireCodes.has(code);
}
