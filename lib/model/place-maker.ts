import type { FromValues } from '../protocol/model-port.js';
import type { AnyClass, ClassRules, FieldRule, Fields } from './class-rules.js';
import { Refusal } from './refusal.js';

/** How an instance is made, and a field set that nobody declared anything of. */
export interface FieldSetter {
  rulesOf(model: AnyClass): ClassRules;
  ruleOf(rules: ClassRules, key: string): FieldRule;
  instanceOf(rules: ClassRules, fields: Fields): object;
  setPlain(instance: Fields, name: string, value: unknown): void;
}

/** Makes instances of a class of their values alone, where the fields' names are known beforehand. */
export class PlaceMaker {
  #names: readonly string[] = [];
  #make: FromValues | undefined;

  constructor(
    private readonly model: AnyClass,
    private readonly setter: FieldSetter,
  ) {}

  /** The function for these names. Many clients run the same code, so they give the same names. */
  of(names: readonly string[]): FromValues {
    if (this.#make === undefined || !isEqual(this.#names, names)) {
      this.#names = names;
      this.#make = this.#create(names);
    }
    return this.#make;
  }

  #create(names: readonly string[]): FromValues {
    let make: FromValues | undefined;
    return (values) => {
      try {
        make ??= this.#compile(names);
        return make(values);
      } catch (error) {
        throw Refusal.from(error).toStreamError(this.model);
      }
    };
  }

  /** The fields as an object are made only where the user's functions may look at them. */
  #compile(names: readonly string[]): FromValues {
    const rules = this.setter.rulesOf(this.model);
    const places = names.map((name) => rules.known.get(name) ?? this.setter.ruleOf(rules, name));
    if (rules.takesOwn && rules.exposed.length === 0 && places.every(isUntouched)) {
      const properties = places.map((it) => (it.isHidden || it.isGuarded ? undefined : it.name));
      return (values) => this.#instance(properties, values);
    }
    return (values) => {
      const fields: Fields = {};
      for (let i = 0; i < names.length; i++) fields[names[i] as string] = values[i];
      return this.setter.instanceOf(rules, fields);
    };
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

function isEqual(names: readonly string[], others: readonly string[]): boolean {
  return names.length === others.length && names.every((name, i) => name === others[i]);
}
