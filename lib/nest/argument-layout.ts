import type { ExecutionContext } from '@nestjs/common';
import type { ArrivingModels } from '../model/arriving-models.js';
import type { ModelType } from '../protocol/model-port.js';
import type { CallContext } from './call-context.js';
import type { ElementType } from './element-type.js';
import type { Parameter } from './parameter.js';

/** A parameter with what its types mean in this application. */
export type TypedParameter = Parameter & {
  /** What its value, or each item of the input, must be. */
  readonly element: ElementType | undefined;
  /** The registered class its value, or each item, is declared with: a plain object becomes one. */
  readonly model: ModelType | undefined;
  /** `argument 2`: its place among the client's, for sentences. */
  readonly name: string;
};

/** What is the same for all calls of a method. */
export interface ArgumentLayout {
  readonly parameters: readonly TypedParameter[];
  /** How many arguments a client may send; `undefined` for any number. */
  readonly maximum: number | undefined;
  createContext(context: CallContext): ExecutionContext;
  /** The models among what clients send. */
  readonly arrivals: ArrivingModels;
  /** Whether the check of a model may have to wait. */
  readonly mayWait: boolean;
}
