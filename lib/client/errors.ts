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

/**
 * What the server is told of an error in an input. An error with one of our codes says what it is;
 * of any other no word crosses.
 */
export function toErrorBody(error: unknown): ErrorBody {
  if (error instanceof Error && isWireErrorCode((error as { code?: unknown }).code)) {
    return { code: (error as unknown as StreamError).code, message: error.message };
  }
  return { code: 'internal', message: 'The client failed to give this input.' };
}
