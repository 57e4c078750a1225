import type { ModelType } from '../protocol/model-port.js';

/**
 * A class whose instances cross the wire. It is constructed without arguments when one arrives, and
 * then gets its fields: a constructor may declare parameters, but not fail for want of them.
 */
export type ModelClass<T extends object = object> = new (...args: never[]) => T;

/** What is compiled of a class. */
export type ModelFunctions = Pick<
  ModelType,
  'toFields' | 'fromFields' | 'fromValues' | 'isDataOnly'
>;

/** Knows which instances the codecs can carry as they are. */
export interface RegisteredModels {
  isRegistered(value: object): boolean;
}

/** Makes the functions of a registry's classes. Called once for each registry. */
export type ModelCompiler = (models: RegisteredModels) => (model: ModelClass) => ModelFunctions;
