import 'reflect-metadata';
import type { PipeTransform, Type } from '@nestjs/common';
import { CUSTOM_ROUTE_ARGS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { TypeReference } from './element-type.js';
import type {
  SchemaArgumentDecorator,
  SchemaInputDecorator,
  SchemaOptions,
} from './schema-decorators.js';
import type { SchemaOutput, StandardSchema } from './standard-schema.js';

/** A pipe as Nest's decorators take it: an instance, or a class that Nest makes. */
export type Pipe = PipeTransform | Type<PipeTransform>;

/** What one of our parameter decorators said. */
export type ParameterMark =
  | { readonly kind: 'session' }
  | { readonly kind: 'argument'; readonly isOptional: boolean }
  | { readonly kind: 'input'; readonly type: TypeReference | undefined };

/** Stands in an entry of Nest's parameter metadata and tells ours from all others. */
export const PARAMETER_MARK = Symbol.for('nestjs-streaming:parameter');

/** Gives a parameter the {@link StreamingSession} of the call. It takes no place among the client's arguments. */
export function StreamSession(): ParameterDecorator {
  return marked({ kind: 'session' }, {});
}

/** What a parameter decorator is given that has a schema, and pipes for what the schema makes. */
export interface PipedSchemaOptions {
  /** Tests what the client sends, and makes of it what the pipes get. */
  readonly schema: StandardSchema;
  readonly pipes: readonly Pipe[];
}

/**
 * Makes a parameter an input: a stream of the client's items, each tested for its type and passed
 * through the pipes; or each passed through a schema, and the pipes then.
 *
 * @param type the types of its items, such as `() => Stroke`. @default any
 */
export function StreamParam<Schema extends StandardSchema>(
  options: SchemaOptions<Schema>,
): SchemaInputDecorator<SchemaOutput<Schema>>;
export function StreamParam(options: PipedSchemaOptions): ParameterDecorator;
export function StreamParam(type?: TypeReference, ...pipes: Pipe[]): ParameterDecorator;
export function StreamParam(
  given?: TypeReference | SchemaOptions | PipedSchemaOptions,
  ...pipes: Pipe[]
): ParameterDecorator {
  if (isOptions(given)) return marked({ kind: 'input', type: undefined }, given);
  return marked({ kind: 'input', type: given }, { pipes });
}

/** What says that a client may leave an argument out, or send `undefined` for it. */
export interface OptionalArgumentOptions {
  readonly optional: boolean;
}

/**
 * Gives a plain argument pipes of its own; or a schema, and pipes then; or says that it may be left
 * out, which a `?` doesn't tell at run time. Where there are pipes or a schema, they decide that.
 */
export function Arg<Schema extends StandardSchema>(
  options: SchemaOptions<Schema>,
): SchemaArgumentDecorator<SchemaOutput<Schema>>;
export function Arg(options: PipedSchemaOptions | OptionalArgumentOptions): ParameterDecorator;
export function Arg(...pipes: Pipe[]): ParameterDecorator;
export function Arg(...given: (Pipe | Given | OptionalArgumentOptions)[]): ParameterDecorator {
  const [options] = given;
  const isOptional = isOptionalOptions(options) && options.optional;
  const isOnlyOptions = given.length === 1 && (isOptions(options) || isOptionalOptions(options));
  const own = isOnlyOptions ? (options as Given) : { pipes: given as Pipe[] };
  return marked({ kind: 'argument', isOptional }, own);
}

function isOptionalOptions(given: unknown): given is OptionalArgumentOptions {
  if (typeof given !== 'object' || given === null) return false;
  return Object.getPrototypeOf(given) === Object.prototype && 'optional' in given;
}

/** A pipe may well keep a schema in a field of that name. */
function isOptions(given: unknown): given is SchemaOptions | PipedSchemaOptions {
  if (typeof given !== 'object' || given === null || !('schema' in given)) return false;
  return typeof Reflect.get(given, 'transform') !== 'function';
}

interface Given {
  readonly schema?: unknown;
  readonly pipes?: readonly Pipe[] | undefined;
}

/**
 * Writes where `createParamDecorator` writes, so that Nest makes the pipes that are given as
 * classes, with their dependencies and scopes.
 */
function marked(parameter: ParameterMark, { schema, pipes = [] }: Given): ParameterDecorator {
  return (target, key, index) => {
    if (typeof key !== 'string') {
      throw new TypeError('A streaming parameter belongs to a method with a name.');
    }
    const host = target.constructor;
    const entries = (Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, host, key) ?? {}) as object;
    const entry = { index, factory: () => undefined, data: undefined, schema, pipes };
    const name = `nestjs-streaming:${parameter.kind}${CUSTOM_ROUTE_ARGS_METADATA}:${index}`;
    const all = { ...entries, [name]: { ...entry, [PARAMETER_MARK]: parameter } };
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, all, host, key);
  };
}
