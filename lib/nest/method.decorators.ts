import 'reflect-metadata';
import { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/constants.js';
import type { Overflow } from '../stream/overflow.js';
import type { TypeReference } from './element-type.js';
import type { SchemaMethodDecorator } from './schema-decorators.js';
import type { SchemaInput, StandardSchema } from './standard-schema.js';

/** What may be said of a streaming method. */
export interface StreamingMethodOptions {
  /** Its name on the wire. @default the method's name */
  readonly name?: string;
  /**
   * The types of the items it gives; or a schema, through which each of them passes on its way out:
   * what the schema doesn't declare stays here, and an item it refuses ends the call with
   * `internal`. @default any that can cross the wire
   */
  readonly yields?: TypeReference | StandardSchema;
  /**
   * What becomes of items that come faster than the client reads, where their source can't be
   * paused: an `Observable`, or what an interceptor adds. @default 'error'
   */
  readonly overflow?: Overflow;
}

const METHOD = Symbol.for('nestjs-streaming:method');
const ENDPOINT = Symbol.for('nestjs-streaming:endpoint');

/**
 * Makes a method of a controller or provider callable by clients. It may return an
 * `AsyncIterable`, an `Observable`, a `ReadableStream`, a promise of one, a plain value or promise,
 * or nothing.
 */
export function StreamingMethod<Schema extends StandardSchema>(
  options: StreamingMethodOptions & { readonly yields: Schema },
): SchemaMethodDecorator<SchemaInput<Schema>>;
export function StreamingMethod(options?: StreamingMethodOptions): MethodDecorator;
export function StreamingMethod(options: StreamingMethodOptions = {}): MethodDecorator {
  return (target, key, descriptor) => {
    const handler: unknown = descriptor?.value;
    if (typeof key === 'symbol' || typeof target === 'function' || typeof handler !== 'function') {
      throw new TypeError(
        `@StreamingMethod() belongs on a method with a name, not on ${String(key)}.`,
      );
    }
    Reflect.defineMetadata(METHOD, options, handler);
    // Without it Nest leaves a request-scoped or transient APP_GUARD out for providers.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, target.constructor);
  };
}

/**
 * Sets the name under which clients see the streaming methods of a class: `client.name.method()`.
 * Without it that is the class's name, less `Controller`, `Endpoint`, `Service`, `Gateway` or
 * `Streams`, its first letter lowered.
 */
export function Endpoint(name: string): ClassDecorator {
  return (target) => Reflect.defineMetadata(ENDPOINT, name, target);
}

/** What `@StreamingMethod()` was given; `undefined` for a method without it. */
export function readMethodOptions(handler: object): StreamingMethodOptions | undefined {
  return Reflect.getMetadata(METHOD, handler) as StreamingMethodOptions | undefined;
}

const SUFFIX = /(?<=.)(?:Controller|Endpoint|Service|Gateway|Streams)$/;

/** The endpoint's name of a class, as {@link Endpoint} tells. */
export function endpointName(host: { readonly name: string }): string {
  const given = Reflect.getMetadata(ENDPOINT, host) as string | undefined;
  if (given !== undefined) return given;
  const name = host.name.replace(SUFFIX, '');
  return name.charAt(0).toLowerCase() + name.slice(1);
}
