import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import * as nest from '@nestjs/common';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import type { ModelType } from '../protocol/model-port.js';
import { StreamError } from '../protocol/stream-error.js';
import { Inbox } from '../stream/inbox.js';
import type { ArgumentLayout, TypedParameter } from './argument-layout.js';
import type { CallContext } from './call-context.js';
import { type ElementClass, isPlainObject } from './element-type.js';
import type { Enhancers } from './enhancers.js';
import { toInput } from './input.js';
import { invalidArgument, isSchema, parseBy } from './standard-schema.js';

/** Makes the value of one parameter from what the client sent for it; may be a promise. */
export type Reader = (sent: unknown, context: CallContext) => unknown;

/** A parameter, ready for calls. */
export interface BoundParameter {
  readonly takesArgument: boolean;
  /** Its name in sentences, where a client has to send it. */
  readonly required?: string | undefined;
  readonly read: Reader;
}

/** `ValidationPipe` takes the classes it doesn't know for DTOs. */
const PLAIN_VALUES: ReadonlySet<unknown> = new Set([BigInt, Uint8Array, Map, Set]);

/** What is done with a value on its way to the handler; gives a promise only where it must wait. */
type Step = (value: unknown) => unknown;

/** Binds parameters to the pipes of one context. */
export class ParameterBinder {
  readonly #layout: ArgumentLayout;
  readonly #enhancers: Enhancers;
  readonly #consumer = new PipesConsumer();
  /** Whether any of what was bound may give a promise. */
  isAsync = false;

  constructor(layout: ArgumentLayout, enhancers: Enhancers) {
    this.#layout = layout;
    this.#enhancers = enhancers;
  }

  bind(parameter: TypedParameter): BoundParameter {
    switch (parameter.kind) {
      case 'session':
        return { takesArgument: false, read: (_, { session }) => session };
      case 'custom':
        return { takesArgument: false, read: this.#custom(parameter, parameter.factory) };
      case 'input':
        return { takesArgument: true, read: this.#input(parameter) };
      case 'argument':
        return {
          takesArgument: true,
          required: parameter.isRequired ? parameter.name : undefined,
          read: this.#argument(parameter, parameter.isOpen),
        };
    }
  }

  #custom(parameter: TypedParameter, factory: unknown): Reader {
    this.isAsync = true;
    const pipes = [...this.#enhancers.pipes, ...this.#ownPipes(parameter)];
    const pass = this.#piped(parameter, pipes, 'custom');
    return async (_, context) => {
      if (typeof factory !== 'function') return undefined;
      const value: unknown = await factory(parameter.data, this.#layout.createContext(context));
      return pass === undefined ? value : pass(value);
    };
  }

  #argument(parameter: TypedParameter, isOpen: boolean): Reader {
    const { element, name, isRequired, isOptional, metatype } = parameter;
    const passes = this.#passes(parameter, this.#enhancers.pipes);
    const wait = this.#waiting();
    this.isAsync ||= passes.length > 0 || wait !== undefined;
    const isDeclared = metatype !== undefined && metatype !== Object;
    const check: Step | undefined =
      element &&
      ((value) => {
        // What may be left out may be null as well.
        if (isRequired || (value !== undefined && value !== null)) element.check(value, name);
        return value;
      });
    const modelled = this.#modelled(parameter);
    // Of what isn't even an object `ValidationPipe` makes an empty instance, and finds fault with that.
    const pass = element?.isPrimitive
      ? chain(modelled, wait, ...passes, check)
      : chain(modelled, check, wait, ...passes);
    return (sent) => {
      if (sent instanceof Inbox) {
        return isOpen ? toInput(sent, 'iterable', wait) : refuse(name, 'must not be a stream');
      }
      if (sent === undefined && isDeclared && isRequired) refuseMissing(name);
      // Of nothing `ValidationPipe` makes an empty object, and finds fault with that.
      if (isOptional && (sent === undefined || sent === null)) return sent;
      return pass === undefined ? sent : pass(sent);
    };
  }

  #input(parameter: TypedParameter): Reader {
    const { element, shape, name, schema } = parameter;
    const isDeclared = element !== undefined || schema !== undefined;
    // Of items that are declared as nothing the pipes of all arguments could only guess.
    const passes = this.#passes(parameter, isDeclared ? this.#enhancers.pipes : []);
    const check: Step | undefined =
      element &&
      ((item) => {
        element.check(item, name, `${name}, item,`);
        return item;
      });
    const pass = chain(this.#modelled(parameter), this.#waiting(), ...passes, check);
    return (sent) =>
      sent instanceof Inbox ? toInput(sent, shape, pass) : refuse(name, 'must be a stream');
  }

  /** The pipes and the schema: it stands before the pipes of the parameter itself. */
  #passes(parameter: TypedParameter, outer: PipeTransform[]): Step[] {
    const own = this.#ownPipes(parameter);
    const schema = this.#parsed(parameter, [...outer, ...own]);
    const passes =
      schema === undefined
        ? [this.#piped(parameter, [...outer, ...own], 'body')]
        : [this.#piped(parameter, outer, 'body'), schema, this.#piped(parameter, own, 'body')];
    return passes.filter((it) => it !== undefined);
  }

  /** Where Nest's own pipe for schemas stands, it does that: with its options. */
  #parsed(
    { kind, name, schema }: TypedParameter,
    pipes: readonly PipeTransform[],
  ): Step | undefined {
    if (!isSchema(schema) || pipes.some(isSchemaPipe)) return undefined;
    const place = kind === 'input' ? `${name}, item` : name;
    return (value) => parseBy(schema, value, (issues) => invalidArgument(name, place, issues));
  }

  #piped(
    { element, kind, metatype, data, schema }: TypedParameter,
    pipes: PipeTransform[],
    type: 'body' | 'custom',
  ): Step | undefined {
    if (pipes.length === 0) return undefined;
    const classOf = (value: unknown): ElementClass | undefined =>
      kind === 'input' ? element?.classOf(value) : metatype;
    return (value) => {
      const declared = classOf(value);
      const known = PLAIN_VALUES.has(declared) ? undefined : declared;
      const metadata = { type, metatype: known, data, schema } as ArgumentMetadata;
      return this.#consumer.applyPipes(value, metadata, pipes);
    };
  }

  /** What a class declares decides: its rules are not passed by leaving the class out. */
  #modelled({ model, schema }: TypedParameter): Step | undefined {
    return model === undefined || schema !== undefined ? undefined : (it) => toModel(it, model);
  }

  /** The value, once its asynchronous constraints have passed it. */
  #waiting(): Step | undefined {
    const { arrivals, mayWait } = this.#layout;
    if (!mayWait) return undefined;
    return (value) => arrivals.waitFor(value)?.then(() => value) ?? value;
  }

  #ownPipes({ pipes }: TypedParameter): PipeTransform[] {
    return this.#enhancers.parameterPipes(pipes);
  }
}

/** One step of several; `undefined` for none. */
function chain(...steps: readonly (Step | undefined)[]): Step | undefined {
  const present = steps.filter((it) => it !== undefined);
  return present.length === 0 ? undefined : present.reduce(then);
}

function then(first: Step, second: Step): Step {
  return (value) => {
    const made = first(value);
    return made instanceof Promise ? made.then(second) : second(made);
  };
}

/** Nest 11 has no such pipe. */
function isSchemaPipe(pipe: PipeTransform): boolean {
  const known: unknown = Reflect.get(nest, 'StandardSchemaValidationPipe');
  return typeof known === 'function' && pipe instanceof known;
}

function toModel(value: unknown, model: ModelType): unknown {
  return isPlainObject(value) ? model.fromFields(value) : value;
}

/** @throws StreamError `invalid-argument`, for an argument that was not sent. */
export function refuseMissing(name: string): never {
  const why = 'it has no default value and no @Arg({ optional: true })';
  throw new StreamError('invalid-argument', `${name} is missing: ${why}.`, {
    data: [{ property: name, constraints: { required: 'is missing' } }],
  });
}

function refuse(name: string, constraint: string): never {
  throw new StreamError('invalid-argument', `${name} ${constraint}.`, {
    data: [{ property: name, constraints: { type: constraint } }],
  });
}
