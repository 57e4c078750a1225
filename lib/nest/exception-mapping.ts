import { randomUUID } from 'node:crypto';
import { WsException } from '@nestjs/websockets';
import { BusError } from '../bus/bus-error.js';
import { StreamingException } from '../model/streaming-exception.js';
import { isWireErrorCode, StreamError, type WireErrorCode } from '../protocol/stream-error.js';
import { isInputError } from '../server/input-error.js';

/**
 * What the client is told of what a handler, guard, pipe, interceptor or filter threw. Messages
 * that Nest makes public stay; of everything else not a word leaves the server but an id.
 */
export function toStreamError(error: unknown): StreamError {
  try {
    return ofError(error);
  } catch {
    // It can't even be looked at: a proxy, or one with getters that throw.
    return internal(error);
  }
}

/** Whether an error was made to be told: everything but an accident. Never throws. */
export function isPublic(error: unknown): boolean {
  try {
    return error instanceof StreamError || isHttpException(error) || error instanceof WsException;
  } catch {
    return false;
  }
}

function ofError(error: unknown): StreamError {
  if (error instanceof StreamError) return ofStreamError(error);
  if (error instanceof BusError) return ofBusError(error);
  if (isHttpException(error)) return ofHttpException(error);
  if (error instanceof WsException) return ofWsException(error);
  return internal(error);
}

/** Channels are the server's own business, and so is what one part of it sent another. */
function ofBusError(error: BusError): StreamError {
  if (error.code === 'slow-consumer') {
    return new StreamError(error.code, 'Messages came faster than they were read.', {
      cause: error,
    });
  }
  if (error.code === 'unavailable') {
    return new StreamError(error.code, 'Messages can not be passed on now.', { cause: error });
  }
  return internal(error);
}

interface HttpExceptionLike extends Error {
  getStatus(): number;
  getResponse(): unknown;
}

/** By its shape: an application may have two copies of `@nestjs/common`. */
function isHttpException(error: unknown): error is HttpExceptionLike {
  if (!(error instanceof Error)) return false;
  const { getStatus, getResponse } = error as Partial<HttpExceptionLike>;
  return typeof getStatus === 'function' && typeof getResponse === 'function';
}

function ofStreamError(error: StreamError): StreamError {
  const { code, message, id } = error;
  // The codes of a client's own side mean nothing here: this server was a client itself.
  if (!isWireErrorCode(code) || typeof message !== 'string') return internal(error);
  if (error instanceof StreamingException || isInputError(error)) return error;
  return code === 'internal' && id === undefined ? internal(error, message) : error;
}

function ofHttpException(error: HttpExceptionLike): StreamError {
  const body = error.getResponse();
  const message = messageOf(body) ?? error.message;
  const code = codeOfStatus(error.getStatus());
  if (code === 'internal') return internal(error, message);
  return new StreamError(code, message, { cause: error, ...dataOf(body) });
}

function ofWsException(error: WsException): StreamError {
  const body: unknown = error.getError();
  const { code, status } = (isObject(body) ? body : {}) as { code?: unknown; status?: unknown };
  const known = isWireErrorCode(code) ? code : codeOfStatus(status);
  if (known === 'internal') return internal(error, error.message);
  return new StreamError(known, error.message, { cause: error, ...dataOf(body) });
}

function internal(error: unknown, message = 'Something went wrong on the server.'): StreamError {
  return new StreamError('internal', message, { id: randomUUID(), cause: error });
}

const CODES: ReadonlyMap<unknown, WireErrorCode> = new Map<unknown, WireErrorCode>([
  [401, 'unauthenticated'],
  [403, 'permission-denied'],
  [404, 'not-found'],
  [408, 'deadline-exceeded'],
  [410, 'not-found'],
  [429, 'resource-exhausted'],
]);

/** A `WsException` has no status: it is the application's word on what the client sent. */
function codeOfStatus(status: unknown): WireErrorCode {
  const isServers = typeof status === 'number' && (status >= 500 || status < 400);
  return CODES.get(status) ?? (isServers ? 'internal' : 'invalid-argument');
}

/** `ValidationPipe` gives a list. */
function messageOf(body: unknown): string | undefined {
  const message = isObject(body) ? body['message'] : body;
  if (Array.isArray(message)) return message.join('; ');
  return typeof message === 'string' ? message : undefined;
}

const STANDARD = new Set(['message', 'statusCode', 'error', 'code', 'status']);

/** The whole body an HTTP client would get, where it says more than the message. */
function dataOf(body: unknown): { data?: unknown } {
  if (!isObject(body)) return {};
  const isPlain = typeof body['message'] === 'string';
  const saysMore = !isPlain || Object.keys(body).some((key) => !STANDARD.has(key));
  return saysMore ? { data: body } : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
