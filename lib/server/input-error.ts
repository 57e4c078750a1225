import { fromErrorBody } from '../model/error-body.js';
import type { ErrorBody } from '../protocol/frames.js';
import type { StreamError } from '../protocol/stream-error.js';

/** The cause of what a handler's loop throws when the client failed to give an input. */
class InputFailure extends Error {
  readonly #isOne = true;

  /** Runs no code of the value's, which may be a proxy. */
  static is(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #isOne in value;
  }
}

/**
 * The error a client ended an input with, as the handler's loop throws it. Without an id: ids are
 * those of this side's log, and none that a client makes up.
 */
export function toInputError(
  { code, message, data, exception }: ErrorBody,
  problem: StreamError | undefined,
): StreamError {
  const error = fromErrorBody({ code, message, data, exception }, problem);
  const cause = new InputFailure('The client ended an input with this error.', { cause: problem });
  return Object.defineProperty(error, 'cause', { value: cause, configurable: true });
}

/** Whether an error is what a client ended an input with: no accident of this side. */
export function isInputError(error: StreamError): boolean {
  return InputFailure.is(error.cause);
}
