import 'reflect-metadata';
import type { PipeTransform, Type } from '@nestjs/common';
import { CUSTOM_ROUTE_ARGS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { TypeReference } from './element-type.js';

/** A pipe as Nest's decorators take it: an instance, or a class that Nest makes. */
export type Pipe = PipeTransform | Type<PipeTransform>;

/** What one of our parameter decorators said. */
export type ParameterMark =
  | { readonly kind: 'session' }
  | { readonly kind: 'argument' }
  | { readonly kind: 'input'; readonly type: TypeReference | undefined };

/** Stands in an entry of Nest's parameter metadata and tells ours from all others. */
export const PARAMETER_MARK = Symbol.for('nestjs-streaming:parameter');

/** Gives a parameter the {@link StreamingSession} of the call. It takes no place among the client's arguments. */
export function StreamSession(): ParameterDecorator {
  return (target, key, index) => mark(target, key, index, { kind: 'session' }, []);
}

/**
 * Makes a parameter an input: a stream of the client's items, each tested for its type and passed
 * through the pipes.
 *
 * @param type the types of its items, such as `() => Stroke`. @default any
 */
export function StreamParam(type?: TypeReference, ...pipes: Pipe[]): ParameterDecorator {
  return (target, key, index) => mark(target, key, index, { kind: 'input', type }, pipes);
}

/** Gives a plain argument pipes of its own. */
export function Arg(...pipes: Pipe[]): ParameterDecorator {
  return (target, key, index) => mark(target, key, index, { kind: 'argument' }, pipes);
}

/**
 * Writes where `createParamDecorator` writes, so that Nest makes the pipes that are given as
 * classes, with their dependencies and scopes.
 */
function mark(
  target: object,
  key: string | symbol | undefined,
  index: number,
  parameter: ParameterMark,
  pipes: readonly Pipe[],
): void {
  if (typeof key !== 'string') {
    throw new TypeError('A streaming parameter belongs to a method with a name.');
  }
  const host = target.constructor;
  const entry = { index, factory: () => undefined, data: undefined, pipes };
  const entries = Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, host, key) as object | undefined;
  const name = `nestjs-streaming${CUSTOM_ROUTE_ARGS_METADATA}:${index}`;
  const marked = { ...entries, [name]: { ...entry, [PARAMETER_MARK]: parameter } };
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, marked, host, key);
}
