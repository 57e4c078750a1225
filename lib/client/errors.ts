import type { ErrorBody } from '../protocol/frames.js';
import { isWireErrorCode, StreamError } from '../protocol/stream-error.js';

/** The error a server told, as the caller catches it. */
export function toStreamError(body: ErrorBody): StreamError {
  const code = isWireErrorCode(body.code) ? body.code : 'internal';
  return new StreamError(code, body.message, {
    data: body.data,
    ...(body.id === undefined ? {} : { id: body.id }),
  });
}

/** What the server is told of an error of which no word may cross, or none can. */
export const INPUT_FAILED: ErrorBody = {
  code: 'internal',
  message: 'The client failed to give this input.',
};

/**
 * What the server is told of an error in an input. An error with one of our codes says what it is;
 * of any other no word crosses.
 */
export function toErrorBody(error: unknown): ErrorBody {
  if (error instanceof Error && isWireErrorCode((error as { code?: unknown }).code)) {
    return { code: (error as unknown as StreamError).code, message: String(error.message) };
  }
  return INPUT_FAILED;
}

export function clientClosed(): StreamError {
  return new StreamError('connect-failed', 'The client is closed.');
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
