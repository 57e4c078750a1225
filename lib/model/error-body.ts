import type { ErrorBody } from '../protocol/frames.js';
import { isWireErrorCode, StreamError } from '../protocol/stream-error.js';
import { StreamingException } from './streaming-exception.js';

/** What an error frame says of an error. */
export function toErrorBody(error: StreamError): ErrorBody {
  const { code, message, id, data } = error;
  return {
    code,
    message,
    ...(id === undefined ? {} : { id }),
    // The data of an exception is a field of its class, which says whether it crosses.
    ...(error instanceof StreamingException
      ? { exception: error }
      : data === undefined
        ? {}
        : { data }),
  };
}

/** What is left of an error whose data or fields can't be sent. */
export function toBareErrorBody({ code, message, id }: StreamError): ErrorBody {
  return { code, message, ...(id === undefined ? {} : { id }) };
}

/**
 * The error an error frame tells of. Where its data or its exception could not be read (`problem`:
 * a class this side doesn't know, say), its code and message still count.
 */
export function fromErrorBody(body: ErrorBody, problem: StreamError | undefined): StreamError {
  const code = isWireErrorCode(body.code) ? body.code : 'internal';
  const id = body.id === undefined ? {} : { id: body.id };
  if (problem !== undefined) return new StreamError(code, body.message, { ...id, cause: problem });
  if (body.exception instanceof StreamingException) {
    const own = { message: { value: body.message, configurable: true, writable: true } };
    return Object.defineProperties(Object.assign(body.exception, { code, ...id }), own);
  }
  return new StreamError(code, body.message, { ...id, data: body.data });
}
