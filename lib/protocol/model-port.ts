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
}
