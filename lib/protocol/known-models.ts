import type { ModelType } from './model-port.js';

/**
 * The types of instances that came before on a connection, by their prototypes. Asked before
 * anything else of what is no plain object: nearly all such values are models, and most that come
 * one after the other are of one class.
 */
export class KnownModels {
  readonly #types = new Map<object, ModelType>();
  #lastPrototype: object | undefined;
  #lastType: ModelType | undefined;

  find(prototype: object): ModelType | undefined {
    if (prototype === this.#lastPrototype) return this.#lastType;
    const type = this.#types.get(prototype);
    if (type !== undefined) this.#keepLast(prototype, type);
    return type;
  }

  add(prototype: object, type: ModelType): void {
    this.#types.set(prototype, type);
    this.#keepLast(prototype, type);
  }

  #keepLast(prototype: object, type: ModelType): void {
    this.#lastPrototype = prototype;
    this.#lastType = type;
  }
}
