import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { StreamError } from '../protocol/stream-error.js';
import { toStreamError } from './exception-mapping.js';

/**
 * What becomes of an error where no filter says otherwise: extend it, and leave to
 * `super.catch()` what your filter has no answer for. Registered for the whole application it
 * serves HTTP requests as well, like the `BaseExceptionFilter` of Nest that it is.
 *
 * @example
 * @Catch()
 * class DatabaseFilter extends BaseStreamingExceptionFilter {
 *   override catch(error: unknown, host: ArgumentsHost) {
 *     if (!(error instanceof DatabaseError)) return super.catch(error, host);
 *     throw new ServiceUnavailableException('Come back later.');
 *   }
 * }
 */
export class BaseStreamingExceptionFilter<T = unknown> extends BaseExceptionFilter<T> {
  /**
   * The error that the client of a call is told. That of an accident has the code `internal`, and
   * an `id` that the log tells the whole error under if it is returned. For an HTTP request it
   * writes the response, and returns nothing.
   */
  override catch(exception: T, host: ArgumentsHost): StreamError | undefined {
    if (host.getType() !== 'http') return toStreamError(exception);
    super.catch(exception, host);
    return undefined;
  }
}
