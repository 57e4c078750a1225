import type { ModelType, TypeLookup } from './model-type.js';
import type { SharedItem } from './shared-item.js';

export type { FromValues, ModelType } from './model-type.js';

/**
 * How the codecs reach the models without knowing them: `model/` stands behind it.
 */
export interface ModelPort extends TypeLookup {
  /** The type registered under a name; `undefined` when there is none. */
  typeNamed(name: string): ModelType | undefined;
  /**
   * What to do about a class that isn't registered, for the sentence that names it.
   *
   * @default add `@Serializable()` to it
   */
  readonly remedy?: string | undefined;
  /** What is kept of an item that goes to many streams; `undefined` for any other. */
  sharedItem?(item: object): SharedItem | undefined;
}
