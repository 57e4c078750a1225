import type { ModelPort, ModelType } from '../model-port.js';
import { SharedItem } from '../shared-item.js';
import { TypeForm } from '../type-form.js';

type Fields = Readonly<Record<string, unknown>>;

/** A registry of classes, as small as the port allows; ids begin where each side is told. */
export class TestModels implements ModelPort {
  readonly #byClass = new Map<unknown, ModelType>();
  readonly #byName = new Map<string, ModelType>();
  /** How many instances were made fields of. */
  conversions = 0;
  readonly #shared = new WeakMap<object, SharedItem>();
  #nextId: number;

  constructor(firstId = 1) {
    this.#nextId = firstId;
  }

  /** Registers a class; `check` may refuse fields that a peer sent. */
  add(
    model: new () => object,
    name: string = model.name,
    check: (fields: Fields) => void = ok,
  ): this {
    const id = this.#nextId++;
    const type: ModelType = {
      id,
      name,
      form: new TypeForm(id),
      toFields: (instance) => {
        this.conversions++;
        return { ...instance };
      },
      fromFields(fields) {
        check(fields);
        return Object.assign(new model(), fields);
      },
      isDataOnly: () => true,
    };
    this.#byClass.set(model, type);
    this.#byName.set(name, type);
    return this;
  }

  typeOf(instance: object): ModelType | undefined {
    return this.#byClass.get(instance.constructor);
  }

  /** Says that an item goes to many streams. */
  share<T extends object>(item: T): T {
    this.#shared.set(item, new SharedItem());
    return item;
  }

  sharedItem(item: object): SharedItem | undefined {
    return this.#shared.get(item);
  }

  typeNamed(name: string): ModelType | undefined {
    return this.#byName.get(name);
  }
}

function ok(): void {}

export class Point {
  x: unknown = 0;
  y: unknown = 0;

  static at(x: unknown, y: unknown): Point {
    return Object.assign(new Point(), { x, y });
  }
}

export class Line {
  points: Point[] = [];
  label: string | undefined = undefined;

  static through(...points: Point[]): Line {
    return Object.assign(new Line(), { points });
  }
}
