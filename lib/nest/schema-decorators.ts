import type { Observable } from 'rxjs';
import type { StandardSchema } from './standard-schema.js';

/** What a parameter decorator is given that has a schema and no pipes after it. */
export interface SchemaOptions<Schema extends StandardSchema = StandardSchema> {
  /** Tests what the client sends, and makes of it what the handler gets. */
  readonly schema: Schema;
  readonly pipes?: undefined;
}

/** Belongs on a method whose items a schema takes: others don't compile. */
export type SchemaMethodDecorator<Input> = <Method extends AnyMethod>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & Fits<GivenItem<Method>, Input>,
) => void;

/** Belongs on an input whose items may be what a schema makes: others don't compile. */
export type SchemaInputDecorator<Output> = SchemaParameterDecorator<Output, 'input'>;

/** Belongs on an argument that may be what a schema makes: others don't compile. */
export type SchemaArgumentDecorator<Output> = SchemaParameterDecorator<Output, 'argument'>;

type SchemaParameterDecorator<Output, Kind> = <Host, Key extends PropertyKey, Index extends number>(
  target: Host,
  key: Key | undefined,
  index: Index & Fits<Output, Declared<ParameterOf<Host, Key, Index>, Kind>>,
) => void;

type AnyMethod = (...args: never[]) => unknown;

/** Stands in the compiler's sentence beside the two types that don't go together. */
type Fits<Given, Wanted> = [Given] extends [Wanted]
  ? unknown
  : { 'this type': Given; 'is no': Wanted };

/** What a parameter is declared as; anything, where the type of its method can't be seen. */
type ParameterOf<Host, Key, Index> = Key extends keyof Host
  ? Host[Key] extends (...args: infer Args) => unknown
    ? Index extends keyof Args
      ? Args[Index]
      : unknown
    : unknown
  : unknown;

type Declared<Parameter, Kind> = unknown extends Parameter
  ? unknown
  : Kind extends 'input'
    ? StreamItem<NonNullable<Parameter>>
    : Parameter;

/** What a method gives: its stream's items, or its value, unless that is nothing. */
type GivenItem<Method extends AnyMethod> = ItemOf<Awaited<ReturnType<Method>>>;

type ItemOf<Result> = unknown extends Result
  ? never
  : Result extends Stream
    ? StreamItem<Result>
    : Result extends void
      ? never
      : Result;

type Stream = AsyncIterable<unknown> | ReadableStream<unknown> | Observable<unknown>;

type StreamItem<Given> =
  Given extends AsyncIterable<infer Item>
    ? Item
    : Given extends ReadableStream<infer Item>
      ? Item
      : Given extends Observable<infer Item>
        ? Item
        : never;
