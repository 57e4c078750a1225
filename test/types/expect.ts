/** Exactly the same type: `any` equals only `any`, and modifiers count. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails the type check unless its argument is `true`. */
export type Expect<T extends true> = T;

/** What an untyped handler takes and returns. */
// biome-ignore lint/suspicious/noExplicitAny: how the types treat it is what is tested
export type Any = any;
