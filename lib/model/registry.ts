import type { ModelPort, ModelType } from '../protocol/model-port.js';
import { SharedItem } from '../protocol/shared-item.js';
import { TypeForm } from '../protocol/type-form.js';
import type { ModelClass, ModelCompiler, ModelFunctions } from './model-compiler.js';
import { ownFields } from './own-fields.js';

export type { ModelClass } from './model-compiler.js';

/**
 * The classes that cross the wire as themselves, by name. A server has all that carry
 * `@Serializable()`, a client those its user gives it.
 */
export class ModelRegistry implements ModelPort {
  readonly #byName = new Map<string, ModelType>();
  readonly #byPrototype = new Map<object, ModelType>();
  readonly #shared = new WeakMap<object, SharedItem>();
  readonly #compile: (model: ModelClass) => ModelFunctions;

  /**
   * @param compile what the fields of an instance are. @default its own, as they are
   * @param remedy what to do about a class that isn't registered. @default add `@Serializable()`
   * @throws TypeError when two classes have one name, or one has no name at all.
   */
  constructor(
    classes: Iterable<ModelClass> = serializableClasses(),
    compile: ModelCompiler = ownFields,
    readonly remedy?: string,
  ) {
    this.#compile = compile({ isRegistered: (value) => this.typeOf(value) !== undefined });
    for (const model of classes) this.#add(model);
  }

  typeOf(instance: object): ModelType | undefined {
    return this.#byPrototype.get(Object.getPrototypeOf(instance) as object);
  }

  typeNamed(name: string): ModelType | undefined {
    return this.#byName.get(name);
  }

  sharedItem(item: object): SharedItem | undefined {
    return this.#shared.get(item);
  }

  /** Says that an item goes to many streams: it is encoded once for all of them. */
  share(item: object): void {
    if (!this.#shared.has(item)) this.#shared.set(item, new SharedItem());
  }

  /** The type of a class; `undefined` when it is not registered. */
  typeFor(model: ModelClass): ModelType | undefined {
    return this.#byPrototype.get(model.prototype as object);
  }

  /** Whether instances of a class can cross the wire. */
  has(model: ModelClass): boolean {
    return this.#byPrototype.has(model.prototype as object);
  }

  #add(model: ModelClass): void {
    if (this.has(model)) return;
    const name = modelName(model);
    if (name === '') throw new TypeError('A model class has no name: give @Serializable() one.');
    if (this.#byName.has(name)) {
      throw new TypeError(
        `Two model classes have the name "${name}": give one of them another with @Serializable('...').`,
      );
    }
    const id = this.#byName.size + 1;
    const type: ModelType = { id, name, form: new TypeForm(id), ...this.#compile(model) };
    this.#byName.set(name, type);
    this.#byPrototype.set(model.prototype as object, type);
  }
}

const NAME = Symbol.for('nestjs-streaming:model-name');
const CLASSES = Symbol.for('nestjs-streaming:model-classes');

/**
 * Registers a class whose instances cross the wire as instances, in both directions, in typed and
 * in dynamic streams.
 *
 * @param name its name on the wire. @default the class's name
 */
export function Serializable(name?: string): ClassDecorator {
  return (target) => {
    Object.defineProperty(target, NAME, { value: name ?? target.name, configurable: true });
    serializableClasses().add(target as unknown as ModelClass);
  };
}

/** Whether a class itself carries `@Serializable()`; what its parent carries doesn't count. */
export function isSerializable(model: object): boolean {
  return Object.hasOwn(model, NAME);
}

/** The name a class was registered under, or would be. A subclass has its own. */
function modelName(model: ModelClass): string {
  if (!isSerializable(model)) return model.name;
  return (model as unknown as Record<symbol, string>)[NAME] ?? model.name;
}

/**
 * All classes that carry `@Serializable()`. Kept on the global object, because a process may load
 * both the ESM and the CommonJS build.
 */
export function serializableClasses(): Set<ModelClass> {
  const holder = globalThis as unknown as Record<symbol, Set<ModelClass> | undefined>;
  holder[CLASSES] ??= new Set();
  return holder[CLASSES];
}
