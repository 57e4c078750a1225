/** A change of a module's text, as it is made when a safeguard is switched off. */
export interface Edit {
  /** The module, from the root of the project. */
  readonly file: string;
  /** What the module has exactly once. */
  readonly text: string;
  /** What stands there instead. */
  readonly replacement: string;
}

/** Something in lib/ that is there because of a fault, and the test that proves that it is needed. */
export interface Safeguard extends Edit {
  /** What it is, in a few words; each of a list has another name. */
  readonly name: string;
  /** What would happen without it. */
  readonly guards: string;
  /** Its other half, where it takes two to do one thing. */
  readonly also?: Edit;
  /** The file of the test that proves it, and the test's full name, its `describe`s included. */
  readonly spec: string;
  readonly test: string;
  /**
   * The longest that a `vi.waitFor` of the test may take, in ms.
   *
   * @default 2000
   */
  readonly waitMs?: number;
}

/** What has to be changed to switch it off. */
export function editsOf({ also, file, text, replacement }: Safeguard): Edit[] {
  const own = { file, text, replacement };
  return also === undefined ? [own] : [own, also];
}
