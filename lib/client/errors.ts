import { toErrorBody } from '../model/error-body.js';
import { isStreamingException } from '../model/streaming-exception.js';
import type { ErrorBody } from '../protocol/frames.js';
import { NotRegisteredError } from '../protocol/refused-values.js';
import { isWireErrorCode, StreamError } from '../protocol/stream-error.js';

/** What the server is told of an error of which no word may cross, or none can. */
export const INPUT_FAILED: ErrorBody = {
  code: 'internal',
  message: 'The client failed to give this input.',
};

/** Of this one its words are ours: they name the class, and what to do. */
function unregistered({ message }: NotRegisteredError): ErrorBody {
  return { code: 'internal', message: INPUT_FAILED.message.replace('.', `: ${message}`) };
}

/**
 * What the server is told of an error in an input. A `StreamError` crosses as it is, a
 * `StreamingException` as itself; of any other error its code, where it has one of ours, and
 * otherwise not a word.
 */
export function toInputErrorBody(error: unknown): ErrorBody {
  if (!(error instanceof Error)) return INPUT_FAILED;
  if (error instanceof NotRegisteredError) return unregistered(error);
  const { code } = error as { code?: unknown };
  if (!isWireErrorCode(code)) return INPUT_FAILED;
  if (error instanceof StreamError || isStreamingException(error)) return toErrorBody(error);
  return { code, message: String(error.message) };
}

/**
 * For the calls that wait when the client is closed, and those made afterwards. Not a connection's
 * error: whoever calls again after one of these would do so for ever, and without a pause.
 */
export function clientClosed(): StreamError {
  return new StreamError('cancelled', 'The client is closed.');
}

export function connectionLost(told: string): StreamError {
  return new StreamError('connection-lost', `The connection was lost (${told}).`);
}

export function tooManyWaiting(): StreamError {
  return new StreamError('resource-exhausted', 'Too many calls wait for the connection.');
}

/** The connection could not be opened, or was closed before the server's welcome. */
export function unreachable(code: number, reason: string): StreamError {
  const told = reason === '' ? '' : `: ${reason}`;
  return new StreamError('connect-failed', `The server can't be reached (${code}${told}).`);
}

/** Connecting took too long; `asked`: the server is to blame, not the credentials function. */
export function unanswered(asked: boolean): StreamError {
  const who = asked ? 'The server' : 'The credentials function';
  return new StreamError('connect-timeout', `${who} did not answer in time.`);
}

export function noCredentials(cause: unknown): StreamError {
  return new StreamError('connect-failed', 'The credentials function failed.', { cause });
}
