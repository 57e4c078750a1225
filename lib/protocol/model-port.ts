/**
 * How the codecs reach the models without knowing them: `model/` stands behind it.
 */
export interface ModelPort {
  /** The type of a class instance; `undefined` when its class is not registered. */
  typeOf(instance: object): ModelType | undefined;
  /** The type registered under a name; `undefined` when there is none. */
  typeNamed(name: string): ModelType | undefined;
}

/** One registered class. */
export interface ModelType {
  /** Unique in this process and small; names the type on this side's connections. */
  readonly id: number;
  /** The name on the wire. */
  readonly name: string;
  /** The fields of an instance that cross the wire, by name. Their values may be models again. */
  toFields(instance: object): Readonly<Record<string, unknown>>;
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
