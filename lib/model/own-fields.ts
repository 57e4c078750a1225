import { isForbidden, isGuarded } from './guarded-property.js';
import type { ModelClass, ModelCompiler, ModelFunctions } from './model-compiler.js';
import { Refusal } from './refusal.js';

type Fields = Readonly<Record<string, unknown>>;

/** Fields as they are, both ways: what a model means to a side without class-transformer. */
export const ownFields: ModelCompiler =
  () =>
  (model): ModelFunctions => ({
    toFields: (instance) => instance as Fields,
    fromFields: (fields) => fromFields(model, fields),
  });

function fromFields(model: ModelClass, fields: Fields): object {
  let property = '';
  try {
    const instance = new model() as Record<string, unknown>;
    for (property of Object.keys(fields)) {
      if (isAssignable(model, instance, property)) instance[property] = fields[property];
    }
    return instance;
  } catch (error) {
    throw Refusal.from(error).within(property).toStreamError(model);
  }
}

function isAssignable(model: ModelClass, instance: object, property: string): boolean {
  if (isForbidden(property)) return false;
  return Object.hasOwn(instance, property) || !isGuarded(model.prototype as object, property);
}
