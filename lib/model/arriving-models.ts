import type { ValidationError, ValidatorOptions } from 'class-validator';
import type { FromValues } from '../protocol/model-port.js';
import { StreamError } from '../protocol/stream-error.js';
import type { ModelClass, ModelCompiler, ModelFunctions } from './model-compiler.js';
import { type Faults, ModelValidators } from './validation.js';

/** What is wrong with one property of what a client sent. */
export interface PropertyFault {
  /** The way to it: `points.0.x`. */
  readonly property: string;
  /** The constraints it breaks, by their names, with a sentence for each. */
  readonly constraints: Readonly<Record<string, string>>;
}

/** How many faults a message names; `data` names all of them. */
const NAMED_FAULTS = 5;

/**
 * Holds every instance that arrives against its class-validator decorators, wherever in a value it
 * stands. Instances of a class without decorators are not checked: there is nothing to check.
 */
export class ArrivingModels {
  readonly #validators: ModelValidators;
  /** What class-validator's asynchronous constraints have still to say of an instance. */
  readonly #waiting = new WeakMap<object, Promise<void>>();

  constructor(options: ValidatorOptions = {}) {
    this.#validators = new ModelValidators(options);
  }

  /** Makes a compiler whose instances are checked as they arrive. */
  checked(compile: ModelCompiler): ModelCompiler {
    return (models) => {
      const compileModel = compile(models);
      return (model) => {
        const compiled = compileModel(model);
        const { fromFields, fromValues } = compiled;
        let hasRules: boolean | undefined;
        const check = (instance: object): object => {
          hasRules ??= this.hasRules(model);
          if (hasRules) this.#check(instance);
          return instance;
        };
        const checked = { ...compiled, fromFields: (fields: Fields) => check(fromFields(fields)) };
        return fromValues === undefined
          ? checked
          : { ...checked, fromValues: (names) => checkedPlaces(fromValues(names), check) };
      };
    };
  }

  /** Whether a class says anything of what its instances must be. */
  hasRules(model: ModelClass): boolean {
    return this.#validators.hasRules(model);
  }

  /** Whether a check of one of these classes may have to wait. */
  mayWait(models: Iterable<ModelClass>): boolean {
    for (const model of models) if (this.#validators.mayWait(model)) return true;
    return false;
  }

  /**
   * Waits for what is still to be said of the instances in a value; `undefined` when nothing is.
   * Rejects with a StreamError `invalid-argument`.
   */
  waitFor(value: unknown): Promise<void> | undefined {
    const found: Promise<void>[] = [];
    this.#collect(value, found);
    return found.length === 0 ? undefined : Promise.all(found).then(() => undefined);
  }

  #check(instance: object): void {
    const faults = this.#validate(instance);
    if (faults instanceof Promise) return this.#wait(instance, faults);
    if (faults !== undefined) throw invalid(instance, faults);
  }

  #validate(instance: object): Faults | Promise<Faults> {
    try {
      return this.#validators.validate(instance);
    } catch (cause) {
      throw unchecked(instance, cause);
    }
  }

  #wait(instance: object, faults: Promise<Faults>): void {
    const checked = faults
      .catch((cause: unknown) => {
        throw unchecked(instance, cause);
      })
      .then((found) => {
        if (found !== undefined) throw invalid(instance, found);
      });
    // Nobody waits for those of a call that is refused for another reason.
    checked.catch(() => undefined);
    this.#waiting.set(instance, checked);
  }

  /** What a peer sent is a tree, and no deeper than the codec allows. */
  #collect(value: unknown, found: Promise<void>[]): void {
    if (typeof value !== 'object' || value === null) return;
    const own = this.#waiting.get(value);
    if (own !== undefined) found.push(own);
    for (const part of partsOf(value)) this.#collect(part, found);
  }
}

type Fields = Parameters<ModelFunctions['fromFields']>[0];

function checkedPlaces(make: FromValues, check: (instance: object) => object): FromValues {
  return (values) => check(make(values));
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof Map) return [...value].flat();
  return value instanceof Uint8Array ? [] : Object.values(value);
}

function invalid(instance: object, faults: readonly ValidationError[]): StreamError {
  const data = faults.flatMap((fault) => flatten(fault, ''));
  const sentences = data.flatMap(({ constraints }) => Object.values(constraints));
  const more = sentences.length > NAMED_FAULTS ? ', and more' : '';
  const named = sentences.slice(0, NAMED_FAULTS).join(', ');
  return new StreamError('invalid-argument', `${instance.constructor.name}: ${named}${more}.`, {
    data,
  });
}

function flatten(
  { property, constraints, children }: ValidationError,
  to: string,
): PropertyFault[] {
  const path = to === '' ? property : `${to}.${property}`;
  const own =
    constraints === undefined ? [] : [{ property: path, constraints: { ...constraints } }];
  return [...own, ...(children ?? []).flatMap((child) => flatten(child, path))];
}

/** A user's own constraint threw, or class-validator did. */
function unchecked(instance: object, cause: unknown): StreamError {
  const message = `${instance.constructor.name} could not be validated.`;
  return new StreamError('invalid-argument', message, { cause });
}
