import { type ArgumentsHost, Logger } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA } from '@nestjs/common/constants.js';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import type { ContextId } from '@nestjs/core/injector/instance-wrapper.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { isPublic } from './exception-mapping.js';

/** A filter, bound to its instance, and the classes it catches; none is all. */
export interface BoundFilter {
  readonly func: (exception: unknown, host: ArgumentsHost) => unknown;
  readonly exceptionMetatypes: readonly (abstract new (...args: never[]) => unknown)[];
}

/** Makes the filters of a handler in the order they are asked: its own first, global ones last. */
export class FiltersContextCreator extends ExternalExceptionFilterContext {
  createFilters(
    instance: object,
    handler: (...args: unknown[]) => unknown,
    moduleKey: string,
    contextId: ContextId,
    inquirerId: string,
  ): BoundFilter[] {
    this.moduleContext = moduleKey;
    const key = EXCEPTION_FILTERS_METADATA;
    return this.createContext(instance, handler, key, contextId, inquirerId).reverse();
  }
}

/**
 * Asks the first filter that catches the error, and returns the error to tell the client: what the
 * filter threw or returned, or the error itself where it did neither. A filter may be
 * asynchronous, or return an observable.
 */
export function filterError(
  filters: readonly BoundFilter[],
  error: unknown,
  host: ArgumentsHost,
): unknown {
  const filter = filters.find((it) => catches(it, error));
  if (filter === undefined) return error;
  try {
    const result = filter.func(error, host);
    const promise = isObservable(result)
      ? lastValueFrom(result, { defaultValue: undefined })
      : result;
    if (!isThenable(promise)) return returned(error, promise);
    return Promise.resolve(promise).then(
      (value) => returned(error, value),
      (thrown: unknown) => rethrown(error, thrown),
    );
  } catch (thrown) {
    return rethrown(error, thrown);
  }
}

function catches({ exceptionMetatypes }: BoundFilter, error: unknown): boolean {
  if (exceptionMetatypes.length === 0) return true;
  return exceptionMetatypes.some((type) => error instanceof type);
}

function returned(error: unknown, value: unknown): unknown {
  return isPublic(value) ? value : error;
}

/** A filter written for HTTP fails when it reaches for the response: that isn't its answer. */
function rethrown(error: unknown, thrown: unknown): unknown {
  const isMishap = thrown instanceof TypeError && thrown !== error;
  if (!isMishap) return thrown;
  new Logger('Streaming').warn(
    `An exception filter failed, and the client is told of the error as if there was none. A filter that writes an HTTP response must look at host.getType() first. ${thrown.stack}`,
  );
  return error;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
