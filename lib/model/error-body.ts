import type { ErrorBody } from '../protocol/frames.js';
import { isWireErrorCode, StreamError } from '../protocol/stream-error.js';
import { isStreamingException, type StreamingException } from './streaming-exception.js';

/**
 * What an error frame says of an error.
 *
 * @throws whatever its getters throw: it may be an object of the user's making.
 */
export function toErrorBody(error: StreamError): ErrorBody {
  const { data } = error;
  // The data of an exception is a field of its class, which says whether it crosses.
  if (isStreamingException(error)) return { ...told(error), exception: error };
  return data === undefined ? told(error) : { ...told(error), data };
}

/** What is left of an error whose data or fields can't be sent. Never throws. */
export function toBareErrorBody(error: StreamError): ErrorBody {
  try {
    return told(error);
  } catch {
    return { code: 'internal', message: 'An error that can not be told.' };
  }
}

/** A frame with something else in these places would cost the whole connection. */
function told({ code, message, id }: StreamError): ErrorBody {
  const known = { code: isWireErrorCode(code) ? code : 'internal', message: String(message) };
  return typeof id === 'string' ? { ...known, id } : known;
}

/**
 * The error an error frame tells of. Where its data or its exception could not be read (`problem`:
 * a class this side doesn't know, say), its code and message still count.
 */
export function fromErrorBody(body: ErrorBody, problem: StreamError | undefined): StreamError {
  const code = isWireErrorCode(body.code) ? body.code : 'internal';
  const id = body.id === undefined ? {} : { id: body.id };
  if (problem !== undefined) return new StreamError(code, body.message, { ...id, cause: problem });
  const own = isStreamingException(body.exception) && toItself(body.exception, code, body);
  return own || new StreamError(code, body.message, { ...id, data: body.data });
}

/** With what the frame tells; `undefined` where its class doesn't let that be set: it is frozen, say. */
function toItself(
  exception: StreamingException,
  code: string,
  { id, message }: ErrorBody,
): StreamingException | undefined {
  try {
    Object.assign(exception, id === undefined ? { code } : { code, id });
    const own = { value: message, configurable: true, writable: true };
    return Object.defineProperty(exception, 'message', own);
  } catch {
    return undefined;
  }
}
