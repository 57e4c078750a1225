import type { IsInjected } from '../model/injected.js';
import type { ObservableLike } from '../stream/source.js';

/** Where a client's connection stands; `waiting` is the pause before it connects again. */
export type ClientStatus = 'idle' | 'connecting' | 'connected' | 'waiting' | 'closed';

/** What a client has beside its endpoints. */
export interface StreamingClientControl {
  readonly status: ClientStatus;
  /**
   * Calls the listener on every change of the status, until the returned function is called. What
   * it throws disturbs nothing; a browser reports it.
   */
  onStatus(listener: (status: ClientStatus) => void): () => void;
  /** Ends the open calls and the connection for good; fulfilled once the connection is closed. */
  close(): Promise<void>;
  /**
   * Asks for the credentials again and presents them, for the calls to come and for the guards of
   * those that run; rejected if asking fails.
   */
  refreshCredentials(): Promise<void>;
}

/**
 * A typed client: the endpoints of `T`, which names the class behind each of them, and
 * {@link StreamingClientControl}, whose names no endpoint can have.
 *
 * @example
 * StreamingClient<{ example: ExampleController }>
 */
export type StreamingClient<T> = {
  readonly [Name in keyof T as Exclude<Name, keyof StreamingClientControl>]: ClientEndpoint<
    T[Name]
  >;
} & StreamingClientControl;

/** The public methods of a class as its clients call them; Nest's lifecycle hooks are left out. */
export type ClientEndpoint<C> = {
  readonly [Name in keyof C as C[Name] extends (...args: never) => unknown
    ? Exclude<Name, LifecycleHook | symbol>
    : never]: ClientMethod<C[Name]>;
};

/** The signature a client sees of one method of a class. */
export type ClientMethod<M> = M extends (...args: infer Args) => infer Result
  ? (...args: ClientArguments<WithoutInjected<Args>>) => ClientOutput<Awaited<Result>>
  : never;

/** What a client may pass where the handler reads a stream; a `StreamController` is one of these. */
export type StreamInput<T> = AsyncIterable<T> | ReadableStream<T> | ObservableLike<T>;

/** The output of a call that the server has opened: iterate over it once. */
export interface OpenedStream<T> extends AsyncIterable<T> {
  /** Ends the call; the handler's signal is aborted. Without effect when the call is over. */
  cancel(): void;
}

/**
 * What a method that yields a stream returns. Iterate over it at once, or await it first to learn
 * that the server has opened the call; awaiting is rejected with a `StreamError` if it refused.
 */
export interface OutputStream<T> extends OpenedStream<T>, PromiseLike<OpenedStream<T>> {}

/** What a method that gives one value, or nothing, returns: the promise of it. */
export interface OutputValue<T> extends Promise<T> {
  /** Drops the result and rejects the promise; the handler runs on with its signal aborted. */
  cancel(): void;
}

type LifecycleHook =
  | 'onModuleInit'
  | 'onApplicationBootstrap'
  | 'onModuleDestroy'
  | 'beforeApplicationShutdown'
  | 'onApplicationShutdown';

/**
 * Leaves the injected ones out of a parameter list. `First` is a slice of one element rather than
 * an inferred element, because a slice keeps the parameter's name and its `?`.
 */
type WithoutInjected<Args extends unknown[]> = '0' extends keyof Args
  ? Args extends [...infer First extends [unknown?], ...unknown[]]
    ? Args extends [unknown?, ...infer Rest]
      ? [...(IsInjected<First[0]> extends true ? [] : First), ...WithoutInjected<Rest>]
      : never
    : never
  : Args;

type ClientArguments<Args extends unknown[]> = {
  [Index in keyof Args]: ClientArgument<Args[Index]>;
};

type ClientArgument<Arg> = Arg extends ServerStream ? StreamInput<StreamItem<Arg>> : Arg;

/** `any` and `never` would pass for streams: a handler's untyped result, one that never comes. */
type ClientOutput<Result> = unknown extends Result
  ? OutputValue<Result>
  : [Result] extends [never]
    ? OutputValue<Result>
    : [Result] extends [ServerStream]
      ? OutputStream<StreamItem<Result>>
      : OutputValue<Result>;

type ServerStream = AsyncIterable<unknown> | ReadableStream<unknown> | ObservableLike<unknown>;

type StreamItem<Stream> =
  Stream extends AsyncIterable<infer Item>
    ? Item
    : Stream extends ReadableStream<infer Item>
      ? Item
      : Stream extends { subscribe(observer: infer Observer): unknown }
        ? ObservedItem<NonNullable<Observer>>
        : never;

/** RxJS's last overload of `subscribe`, which is the one inferred from, takes a function. */
type ObservedItem<Observer> = Observer extends (item: infer Item) => unknown
  ? Item
  : Observer extends { next?: ((item: infer Item) => unknown) | undefined }
    ? Item
    : never;
