import type { TypeForm } from './type-form.js';

/** One registered class. */
export interface ModelType {
  /** Unique in this process and small; names the type on this side's connections. */
  readonly id: number;
  /** The name on the wire. */
  readonly name: string;
  /** How its instances stand in messages. */
  readonly form: TypeForm;
  /** The fields of an instance that cross the wire, by name. Their values may be models again. */
  toFields(instance: object): Readonly<Record<string, unknown>>;
  /**
   * Whether what `toFields` gives follows from the instance's own data and nothing else: from no
   * getter, no private field, no function of the user's. Without it that is never known.
   */
  isDataOnly?(instance: object): boolean;
  /**
   * Makes an instance of fields a peer sent; their values are decoded already.
   *
   * @throws StreamError `invalid-argument` when they are not what the class declares.
   */
  fromFields(fields: Readonly<Record<string, unknown>>): object;
  /**
   * What makes instances of the values of these fields in their order; it means what `fromFields`
   * does, which is called where there is no such function. It keeps none of the lists it is given.
   */
  fromValues?(names: readonly string[]): FromValues;
}

/** Makes an instance; throws what `fromFields` throws. */
export type FromValues = (values: readonly unknown[]) => object;

/** Knows the classes that are registered. */
export interface TypeLookup {
  /** The type of a class instance; `undefined` when its class is not registered. */
  typeOf(instance: object): ModelType | undefined;
}
