import type { FromValues } from '../protocol/model-port.js';
import { isForbidden, isGuarded } from './guarded-property.js';
import type { ModelClass, ModelCompiler, ModelFunctions } from './model-compiler.js';
import { Refusal } from './refusal.js';

type Fields = Readonly<Record<string, unknown>>;
type Constructable = new () => Record<string, unknown>;

/** Fields as they are, both ways: what a model means to a side without class-transformer. */
export const ownFields: ModelCompiler =
  () =>
  (model): ModelFunctions => ({
    toFields: (instance) => instance as Fields,
    fromFields: (fields) => {
      const names = Object.keys(fields);
      return fromValues(model, names)(names.map((name) => fields[name]));
    },
    fromValues: (names) => fromValues(model, names),
    isDataOnly: () => true,
  });

function fromValues(model: ModelClass, names: readonly string[]): FromValues {
  const isFree = names.map((name) => !isGuarded(model.prototype as object, name));
  return (values) => {
    let property = '';
    try {
      const instance = new (model as Constructable)();
      for (let i = 0; i < names.length; i++) {
        property = names[i] as string;
        if (isForbidden(property)) continue;
        if (isFree[i] || Object.hasOwn(instance, property)) instance[property] = values[i];
      }
      return instance;
    } catch (error) {
      throw Refusal.from(error).within(property).toStreamError(model);
    }
  };
}
