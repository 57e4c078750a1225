/**
 * The key that marks a type as one the server fills in. It exists for the type checker only: no
 * value has it, and importing it other than with `import type` fails.
 *
 * The client's types look for the key itself (`typeof INJECTED extends keyof T`). A test against
 * an object type with this property would be unsound: every type fits an optional property.
 */
export declare const INJECTED: unique symbol;

/**
 * What a type of an injected parameter carries. Optional, so that a handler can be called in a
 * unit test with a plain value.
 */
export interface InjectedBrand {
  readonly [INJECTED]?: true;
}

/**
 * The type to give a parameter that one of your own `createParamDecorator` decorators fills in.
 * The handler uses it as a `T`; the client's signature of the method leaves the parameter out.
 *
 * Import it with `import type`: TypeScript asks for that in decorated signatures.
 *
 * @example
 * draw(@CurrentUser() user: Injected<User>, color: number): void   // client.example.draw(color)
 */
export type Injected<T> = (T & InjectedBrand) | Extract<T, null | undefined>;

/**
 * `true` for a type that carries the brand, also beside `null` or `undefined`. Not for `any` and
 * `never`, which have every key: an untyped argument is still the client's.
 */
export type IsInjected<T> = PropertyKey extends keyof NonNullable<T>
  ? false
  : typeof INJECTED extends keyof NonNullable<T>
    ? true
    : false;
