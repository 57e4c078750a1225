import type { FromValues } from '../protocol/model-port.js';
import type { AnyClass, ClassRules, FieldRule, Fields } from './class-rules.js';
import { type Generate, generateMaker, neverGenerate } from './generated-code.js';
import { Refusal } from './refusal.js';

/** How an instance is made, and a field set that nobody declared anything of. */
export interface FieldSetter {
  rulesOf(model: AnyClass): ClassRules;
  ruleOf(rules: ClassRules, key: string): FieldRule;
  instanceOf(rules: ClassRules, fields: Fields): object;
  setPlain(instance: Fields, name: string, value: unknown): void;
}

/** A peer may announce ever new names, and code that was generated stays. */
const MAX_GENERATED = 16;

/** Makes instances of a class of their values alone, where the fields' names are known beforehand. */
export class PlaceMaker {
  /** By their names: many clients run the same code, so they give the same ones. */
  readonly #generated = new Map<string, FromValues>();

  constructor(
    private readonly model: AnyClass,
    private readonly setter: FieldSetter,
    private readonly generate: Generate,
  ) {}

  of(names: readonly string[]): FromValues {
    const key = JSON.stringify(names);
    const found = this.#generated.get(key);
    if (found !== undefined) return found;
    if (this.#generated.size === MAX_GENERATED) return this.#create(names, neverGenerate);
    const make = this.#create(names, this.generate);
    this.#generated.set(key, make);
    return make;
  }

  #create(names: readonly string[], generate: Generate): FromValues {
    let make: FromValues | undefined;
    return (values) => {
      try {
        make ??= this.#compile(names, generate);
        return make(values);
      } catch (error) {
        throw Refusal.from(error).toStreamError(this.model);
      }
    };
  }

  /** The fields as an object are made only where the user's functions may look at them. */
  #compile(names: readonly string[], generate: Generate): FromValues {
    const rules = this.setter.rulesOf(this.model);
    const places = names.map((name) => rules.known.get(name) ?? this.setter.ruleOf(rules, name));
    if (rules.takesOwn && rules.exposed.length === 0 && places.every(isUntouched)) {
      const properties = places.map((it) => (it.isHidden || it.isGuarded ? undefined : it.name));
      return this.#fill(properties, generate);
    }
    return (values) => {
      const fields: Fields = {};
      for (let i = 0; i < names.length; i++) fields[names[i] as string] = values[i];
      return this.setter.instanceOf(rules, fields);
    };
  }

  #fill(properties: readonly (string | undefined)[], generate: Generate): FromValues {
    const refuse = (error: unknown, name: string) => Refusal.from(error).within(name);
    const made = generateMaker(generate, this.model, properties, this.setter.setPlain, refuse);
    return made ?? ((values) => this.#instance(properties, values));
  }

  #instance(properties: readonly (string | undefined)[], values: readonly unknown[]): object {
    let property: string | undefined;
    try {
      const instance = new (this.model as new () => Fields)();
      for (let i = 0; i < properties.length; i++) {
        property = properties[i];
        if (property !== undefined) this.setter.setPlain(instance, property, values[i]);
      }
      return instance;
    } catch (error) {
      throw Refusal.from(error).within(property ?? '');
    }
  }
}

/** Whether a field is taken as it is. */
export function isUntouched({ type, transforms }: FieldRule): boolean {
  return type === undefined && transforms.length === 0;
}
