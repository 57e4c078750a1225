import {
  StreamError,
  type StreamErrorOptions,
  type WireErrorCode,
} from '../protocol/stream-error.js';

/** Known to all copies of the package: a page's bundle may hold two, one of them the server's. */
const EXCEPTION = Symbol.for('nestjs-streaming:exception');

/** Whether it is an exception of its own class, of this copy of the package or another. */
export function isStreamingException(value: unknown): value is StreamingException {
  return value instanceof Error && Reflect.get(value, EXCEPTION) === true;
}

/**
 * The base of your own exceptions that cross the wire as themselves, in both directions: the other
 * side catches the same class, with its fields. Register each with `@Serializable()`. Its message
 * and its fields are public; an exception that isn't registered arrives as a `StreamError` with its
 * code and message.
 *
 * @example
 * @Serializable()
 * class OutOfStock extends StreamingException {
 *   constructor(readonly product = '') {
 *     super(`There is no ${product} left.`, 'resource-exhausted');
 *   }
 * }
 */
export class StreamingException extends StreamError {
  /** `code` is what those see who don't know the class. The cause is for this side's log alone. */
  constructor(
    message = '',
    code: WireErrorCode = 'internal',
    options: Pick<StreamErrorOptions, 'cause' | 'data'> = {},
  ) {
    super(code, message, options);
    // Not enumerable, so that assigning it doesn't make it a field that crosses.
    const cause = { value: options.cause, writable: true, configurable: true };
    Object.defineProperty(this, 'cause', cause);
  }

  static {
    StreamingException.prototype.name = 'StreamingException';
    Object.defineProperty(StreamingException.prototype, EXCEPTION, { value: true });
  }
}
