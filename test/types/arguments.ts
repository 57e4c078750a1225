import type { Observable, Subject } from 'rxjs';
import type { ClientMethod, OutputValue, StreamInput } from '../../lib/client/types.js';
import type { INJECTED, Injected } from '../../lib/model/injected.js';
import type { Any, Equal, Expect } from './expect.js';

declare class Session {
  readonly [INJECTED]?: true;
  readonly id: string;
}

interface User {
  readonly name: string;
}

type Arguments<M> = Parameters<ClientMethod<M>>;
type Answer = OutputValue<void>;

export type PlainArguments = [
  Expect<Equal<ClientMethod<() => void>, () => Answer>>,
  Expect<Equal<ClientMethod<(a: number, b?: string) => void>, (a: number, b?: string) => Answer>>,
  Expect<Equal<ClientMethod<(...a: number[]) => void>, (...a: number[]) => Answer>>,
  Expect<
    Equal<
      ClientMethod<(a: Date, b?: User, ...c: string[]) => void>,
      (a: Date, b?: User, ...c: string[]) => Answer
    >
  >,
  Expect<Equal<Arguments<(a: Any, b: unknown, c: never) => void>, [Any, unknown, never]>>,
  Expect<Equal<Arguments<(a: string | null, b: 'x' | 'y') => void>, [string | null, 'x' | 'y']>>,
  Expect<Equal<Arguments<(a: Record<string, unknown>) => void>, [Record<string, unknown>]>>,
  Expect<Equal<Arguments<(a: Record<string, true>) => void>, [Record<string, true>]>>,
  Expect<Equal<Arguments<(a: Record<string, Any>) => void>, [Record<string, Any>]>>,
  Expect<Equal<Arguments<(a: Uint8Array, b: number[]) => void>, [Uint8Array, number[]]>>,
  Expect<Equal<Arguments<<T>(a: T, b: T[]) => void>, [unknown, unknown[]]>>,
];

export type InputStreams = [
  Expect<Equal<Arguments<(a: AsyncIterable<User>) => void>, [StreamInput<User>]>>,
  Expect<Equal<Arguments<(a: AsyncGenerator<User, void>) => void>, [StreamInput<User>]>>,
  Expect<Equal<Arguments<(a: ReadableStream<User>) => void>, [StreamInput<User>]>>,
  Expect<Equal<Arguments<(a: Observable<User>) => void>, [StreamInput<User>]>>,
  Expect<Equal<Arguments<(a: Subject<User | null>) => void>, [StreamInput<User | null>]>>,
  Expect<Equal<Arguments<(a: AsyncIterable<unknown>) => void>, [StreamInput<unknown>]>>,
  Expect<Equal<Arguments<(a: Observable<unknown>) => void>, [StreamInput<unknown>]>>,
  Expect<Equal<Arguments<(a: AsyncIterable<Any>) => void>, [StreamInput<Any>]>>,
  Expect<Equal<Arguments<(a: AsyncIterable<1> | null) => void>, [StreamInput<1> | null]>>,
  Expect<Equal<Arguments<(...a: AsyncIterable<User>[]) => void>, StreamInput<User>[]>>,
  Expect<
    Equal<
      ClientMethod<(a: number, b: AsyncIterable<1>, c?: Observable<2>) => void>,
      (a: number, b: StreamInput<1>, c?: StreamInput<2>) => Answer
    >
  >,
];

export type InjectedParameters = [
  Expect<Equal<Arguments<(s: Session) => void>, []>>,
  Expect<Equal<Arguments<(s: Session, a: number) => void>, [number]>>,
  Expect<Equal<Arguments<(a: number, s: Session, b: string) => void>, [number, string]>>,
  Expect<Equal<Arguments<(a: number, u: Injected<User>, s: Session) => void>, [number]>>,
  Expect<
    Equal<
      ClientMethod<(a: number, s?: Session, b?: string) => void>,
      (a: number, b?: string) => Answer
    >
  >,
  Expect<Equal<Arguments<(s: Session, ...a: number[]) => void>, number[]>>,
  Expect<
    Equal<
      ClientMethod<(a?: string, s?: Session, ...b: number[]) => void>,
      (a?: string, ...b: number[]) => Answer
    >
  >,
  Expect<Equal<Arguments<(s: Session, a: AsyncIterable<User>) => void>, [StreamInput<User>]>>,
  Expect<Equal<Arguments<(a: Injected<string>, b: Injected<boolean>) => void>, []>>,
  Expect<Equal<Arguments<(a: Injected<User | null>, b: Injected<User | string>) => void>, []>>,
  Expect<Equal<Arguments<(a: Injected<Record<string, number>>, b: number) => void>, [number]>>,
  Expect<Equal<Arguments<(a: Injected<AsyncIterable<number>>) => void>, []>>,
  Expect<Equal<Arguments<(a: Injected<Record<string, unknown>>) => void>, []>>,
  Expect<Equal<Arguments<(a: Injected<Record<string, Any>> | undefined) => void>, []>>,
  Expect<Equal<Arguments<(a: OfAnotherCopy, b: number) => void>, [number]>>,
];

/** As another copy of the library marks its own: the server's, for a page with one of its own. */
interface OfAnotherCopy {
  readonly '~injected'?: true;
}

declare const user: User;
declare function handler(
  name: Injected<string>,
  user: Injected<User>,
  nobody: Injected<User | null>,
): void;

/** What an injected parameter is to the handler, and to a unit test that calls the handler. */
export function handle(name: Injected<string>, owner: Injected<User | null>): [string, string?] {
  handler('plain', user, null);
  // @ts-expect-error a number is no injected string
  handler(1, user, null);
  // @ts-expect-error null was not allowed here
  handler('plain', null, null);
  // @ts-expect-error the owner may be null
  owner.name;
  return owner ? [name.toUpperCase(), owner.name] : [name];
}
