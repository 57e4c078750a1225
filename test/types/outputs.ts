import type { Observable } from 'rxjs';
import type {
  ClientMethod,
  OpenedStream,
  OutputStream,
  OutputValue,
} from '../../lib/client/types.js';
import type { Any, Equal, Expect } from './expect.js';

interface User {
  readonly name: string;
}

type Output<Result> = ReturnType<ClientMethod<() => Result>>;

export type Streams = [
  Expect<Equal<Output<AsyncIterable<User>>, OutputStream<User>>>,
  Expect<Equal<Output<AsyncGenerator<User, void, unknown>>, OutputStream<User>>>,
  Expect<Equal<Output<AsyncIterableIterator<User>>, OutputStream<User>>>,
  Expect<Equal<Output<Observable<User>>, OutputStream<User>>>,
  Expect<Equal<Output<ReadableStream<User>>, OutputStream<User>>>,
  Expect<Equal<Output<Promise<AsyncIterable<User>>>, OutputStream<User>>>,
  Expect<Equal<Output<Promise<Observable<User>>>, OutputStream<User>>>,
  Expect<Equal<Output<Promise<ReadableStream<User>>>, OutputStream<User>>>,
  Expect<Equal<Output<AsyncIterable<1> | Observable<2>>, OutputStream<1 | 2>>>,
  Expect<Equal<Output<AsyncGenerator<User | null>>, OutputStream<User | null>>>,
  Expect<Equal<Output<AsyncIterable<unknown>>, OutputStream<unknown>>>,
  Expect<Equal<Output<AsyncGenerator<never>>, OutputStream<never>>>,
  Expect<Equal<Output<OutputStream<User>>, OutputStream<User>>>,
];

export type Values = [
  Expect<Equal<Output<void>, OutputValue<void>>>,
  Expect<Equal<Output<Promise<void>>, OutputValue<void>>>,
  Expect<Equal<Output<number>, OutputValue<number>>>,
  Expect<Equal<Output<Promise<number>>, OutputValue<number>>>,
  Expect<Equal<Output<Promise<User | null>>, OutputValue<User | null>>>,
  Expect<Equal<Output<Promise<boolean>>, OutputValue<boolean>>>,
  Expect<Equal<Output<number | Promise<string>>, OutputValue<number | string>>>,
  Expect<Equal<Output<Promise<User[]>>, OutputValue<User[]>>>,
  Expect<Equal<Output<Uint8Array>, OutputValue<Uint8Array>>>,
  Expect<Equal<Output<Promise<unknown>>, OutputValue<unknown>>>,
  Expect<Equal<Output<Any>, OutputValue<Any>>>,
  Expect<Equal<Output<Promise<never>>, OutputValue<never>>>,
];

export type Awaiting = [
  Expect<Equal<Awaited<OutputStream<User>>, OpenedStream<User>>>,
  Expect<Equal<Awaited<OpenedStream<User>>, OpenedStream<User>>>,
  Expect<Equal<Awaited<OutputValue<User>>, User>>,
  Expect<Equal<OpenedStream<User> extends PromiseLike<unknown> ? true : false, false>>,
];

declare const stream: OutputStream<User>;
declare const value: OutputValue<User>;

/** How both kinds of output are used. */
export async function use(): Promise<string[]> {
  const names: string[] = [];
  for await (const user of stream) names.push(user.name);
  for await (const user of await stream) names.push(user.name);
  (await stream).cancel();
  stream.cancel();

  const { name } = await value;
  const promise: Promise<User> = value.finally(() => undefined);
  const [other] = await Promise.all([value, promise.catch(() => undefined)]);
  value.cancel();
  // @ts-expect-error a value is no stream
  for await (const user of value) names.push(user.name);
  return [...names, name, other.name];
}
