/**
 * The key that marks a type as one the server fills in. It exists for the type checker only: no
 * value has it. A literal, because a unique symbol is another one in each copy of this file: a page
 * with a `node_modules` of its own has another copy than its server.
 */
export declare const INJECTED: '~injected';

/**
 * The type to give a parameter that one of your own `createParamDecorator` decorators fills in.
 * The handler uses it as a `T`; the client's signature of the method leaves the parameter out.
 *
 * Import it with `import type`: TypeScript asks for that in decorated signatures.
 *
 * @example
 * draw(@CurrentUser() user: Injected<User>, color: number): void   // client.example.draw(color)
 */
// The brand has no name: a declaration file that spells it out would have to import that. It is
// optional, so that a handler can be called in a unit test with a plain value.
export type Injected<T> = (T & { readonly '~injected'?: true }) | Extract<T, null | undefined>;

/**
 * `true` for a type that carries the brand, also beside `null` or `undefined`. It looks for the key:
 * every type fits an optional property. Not for `any` and `never`, which have every key: an untyped
 * argument is still the client's.
 */
export type IsInjected<T> = PropertyKey extends keyof NonNullable<T>
  ? false
  : HasKey<NonNullable<T>, typeof INJECTED>;

/** Whether a type has a key, and not just an index signature, which has every text. */
type HasKey<T, Key extends string> = string extends keyof T
  ? IsKey<Key, keyof { [K in keyof T as string extends K ? never : K]: never }>
  : IsKey<Key, keyof T>;

type IsKey<Key, Keys> = Key extends Keys ? true : false;
