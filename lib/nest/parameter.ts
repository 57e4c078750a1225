import 'reflect-metadata';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import type { ElementClass } from './element-type.js';
import { PARAMETER_MARK, type ParameterMark } from './parameter.decorators.js';
import { isSchema } from './standard-schema.js';
import { StreamingSession } from './streaming-session.js';

/** What a handler reads an input as. */
export type InputShape = 'iterable' | 'observable' | 'readable';

type ParameterKind =
  /** The session. */
  | { readonly kind: 'session' }
  /** What a decorator of `createParamDecorator` makes. */
  | { readonly kind: 'custom'; readonly factory: unknown }
  /** A plain argument of the client. `isOpen` says that it might be a stream just as well. */
  | { readonly kind: 'argument'; readonly isOpen: boolean }
  /** A stream of the client. */
  | Extract<ParameterMark, { kind: 'input' }>;

/** One parameter of a handler, as its decorators and its compiler's metadata tell. */
export type Parameter = ParameterKind & {
  readonly index: number;
  /** The class it was declared with; `undefined` where the compiler wrote none to rely on. */
  readonly metatype: ElementClass | undefined;
  /** Whether a client has to send it: nothing but its type may say what it is when it doesn't. */
  readonly isRequired: boolean;
  /** Whether its decorator says that a client may leave it out. */
  readonly isOptional: boolean;
  readonly shape: InputShape;
  readonly data: unknown;
  readonly schema: unknown;
  /** Its own pipes, as its decorator was given them. */
  readonly pipes: readonly unknown[];
};

/** An entry of Nest's parameter metadata. */
interface Entry {
  readonly index: number;
  readonly factory?: unknown;
  readonly data?: unknown;
  readonly schema?: unknown;
  readonly pipes?: readonly unknown[];
  readonly [PARAMETER_MARK]?: ParameterMark;
}

/** The parameters of a handler, in order. */
export interface ParameterList {
  readonly parameters: readonly Parameter[];
  /** Whether the last ones may take any number of arguments, or have default values. */
  readonly isElastic: boolean;
  /** Whether the compiler wrote down any types. */
  readonly hasMetadata: boolean;
}

/**
 * Reads the parameters of a method from the class that declares it; what an overridden method of
 * a parent said doesn't count. `where` begins the sentence of a mistake.
 *
 * @throws TypeError for decorators and types that make no sense on a streaming method.
 */
export function readParameters(prototype: object, name: string, where: string): ParameterList {
  const owner = declaringPrototype(prototype, name);
  const handler = Reflect.get(owner, name) as (...args: never) => unknown;
  const emitted = Reflect.getOwnMetadata(PARAMTYPES_METADATA, owner, name) as unknown[] | undefined;
  const types = [...(emitted ?? [])];
  const isElastic = emitted === undefined || types.length !== handler.length;
  // Of a rest parameter tsc writes the element's type, and other compilers that it is an Array.
  if (isElastic && types.at(-1) === Array) types[types.length - 1] = undefined;
  const entries = readEntries(owner.constructor, name, where);
  const count = Math.max(types.length, handler.length, ...[...entries.keys()].map((i) => i + 1));
  const parameters = Array.from({ length: count }, (_, index) =>
    toParameter(
      { index, type: types[index], isRequired: index < handler.length },
      entries.get(index),
      `${where}, parameter ${index + 1},`,
    ),
  );
  return { parameters, isElastic, hasMetadata: emitted !== undefined };
}

/** Whether a method has any of our parameter decorators, where the class declares it itself. */
export function hasMarkedParameters(prototype: object, name: string): boolean {
  const host: unknown = declaringPrototype(prototype, name).constructor;
  if (typeof host !== 'function') return false;
  const entries = (Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, host, name) ?? {}) as object;
  return Object.values(entries).some((entry) => PARAMETER_MARK in (entry as Entry));
}

function declaringPrototype(prototype: object, name: string): object {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, name)) return at;
  }
  return prototype;
}

function readEntries(host: object, name: string, where: string): Map<number, Entry> {
  const found = (Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, host, name) ?? {}) as object;
  const inherited = inheritedEntries(host, name);
  const entries = new Map<number, Entry>();
  for (const [key, entry] of Object.entries(found) as [string, Entry][]) {
    if (inherited.has(entry)) continue;
    if (!key.includes(CUSTOM_ROUTE_ARGS_METADATA)) {
      throw new TypeError(
        `${where} has a parameter decorator for HTTP or gateways. A parameter without a decorator is the client's argument; @StreamSession() gives the session.`,
      );
    }
    const place = `${where}, parameter ${entry.index + 1},`;
    if (entries.has(entry.index)) {
      throw new TypeError(`${place} has two decorators that each say what it is: leave one out.`);
    }
    checkEntry(entry, place);
    entries.set(entry.index, entry);
  }
  return entries;
}

/** A schema has no `transform` that is a pipe's, whatever its methods are called. */
function checkEntry({ schema, pipes = [], [PARAMETER_MARK]: mark }: Entry, place: string): void {
  if (mark === undefined) return;
  if (schema !== undefined && !isSchema(schema)) {
    throw new TypeError(`${place} has a schema that is none by Standard Schema.`);
  }
  const given: readonly unknown[] = mark.kind === 'input' ? [mark.type, ...pipes] : pipes;
  if (given.some(isSchema)) {
    throw new TypeError(`${place} has a schema in the wrong place: give it as { schema }.`);
  }
}

/** Nest copies what the parent's method said into that of the method that overrides it. */
function inheritedEntries(host: object, name: string): ReadonlySet<unknown> {
  const parent = Object.getPrototypeOf(host) as object;
  return new Set(
    Object.values((Reflect.getMetadata(ROUTE_ARGS_METADATA, parent, name) ?? {}) as object),
  );
}

/** What the compiler left of a parameter. Before the first with a default value all are required. */
interface Compiled {
  readonly index: number;
  readonly type: unknown;
  readonly isRequired: boolean;
}

function toParameter(
  { index, type, isRequired }: Compiled,
  entry: Entry | undefined,
  where: string,
): Parameter {
  const metatype = typeof type === 'function' ? (type as ElementClass) : undefined;
  const { data, schema, pipes = [] } = entry ?? {};
  const optional = isOptional(entry);
  const decidesItself = schema !== undefined || pipes.length > 0 || optional;
  const about = {
    index,
    isOptional: optional,
    metatype,
    shape: shapeOf(metatype),
    data,
    schema,
    pipes,
  };
  const kind = toKind(metatype, entry, where);
  return { ...kind, ...about, isRequired: isRequired && !decidesItself };
}

function isOptional(entry: Entry | undefined): boolean {
  const mark = entry?.[PARAMETER_MARK];
  return mark?.kind === 'argument' && mark.isOptional;
}

function toKind(
  metatype: ElementClass | undefined,
  entry: Entry | undefined,
  where: string,
): ParameterKind {
  const mark = entry?.[PARAMETER_MARK];
  if (mark?.kind === 'session') return toSession(metatype, mark, where);
  if (entry !== undefined && mark === undefined) return { kind: 'custom', factory: entry.factory };
  if (metatype === StreamingSession) {
    throw new TypeError(`${where} is a StreamingSession: give it @StreamSession().`);
  }
  const isAny = metatype === undefined || metatype === Object;
  if (mark?.kind === 'input') {
    if (isAny || isStreamClass(metatype)) return mark;
    const hint = metatype === Function ? TYPE_IMPORT : '';
    throw new TypeError(
      `${where} has @StreamParam() and is declared as ${metatype.name}: declare it as AsyncIterable, Observable or ReadableStream.${hint}`,
    );
  }
  if (!isStreamClass(metatype)) return { kind: 'argument', isOpen: isAny && mark === undefined };
  if (mark === undefined) return { kind: 'input', type: undefined };
  throw new TypeError(
    `${where} has @Arg() and is declared as ${metatype?.name}, a stream: give it @StreamParam().`,
  );
}

/** What a compiler was told to take for a type only, it writes down as a function. */
export const TYPE_IMPORT = ' Is it imported with `type`? Import it as a value.';

function toSession(
  metatype: ElementClass | undefined,
  mark: { kind: 'session' },
  where: string,
): ParameterKind {
  // A type that is imported as one is a Function to the compiler; the decorator tells enough.
  const fitting: readonly unknown[] = [undefined, Object, Function, StreamingSession];
  if (fitting.includes(metatype)) return mark;
  throw new TypeError(
    `${where} has @StreamSession() and is declared as ${metatype?.name}: declare it as StreamingSession.`,
  );
}

function shapeOf(metatype: ElementClass | undefined): InputShape {
  if (metatype === ReadableStream) return 'readable';
  return has(metatype, 'subscribe') ? 'observable' : 'iterable';
}

function isStreamClass(metatype: ElementClass | undefined): boolean {
  if (metatype === ReadableStream) return true;
  return has(metatype, 'subscribe') || has(metatype, Symbol.asyncIterator);
}

/** `design:type`s are not always classes, and not all functions have a prototype. */
function has(metatype: ElementClass | undefined, method: PropertyKey): boolean {
  const prototype: unknown = metatype?.prototype;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return typeof Reflect.get(prototype, method) === 'function';
}
