import type { ArgumentMetadata, ExecutionContext, PipeTransform } from '@nestjs/common';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import type { ArrivingModels } from '../model/arriving-models.js';
import type { ModelType } from '../protocol/model-port.js';
import { StreamError } from '../protocol/stream-error.js';
import { Inbox } from '../stream/inbox.js';
import type { CallContext } from './call-context.js';
import type { ElementClass, ElementType } from './element-type.js';
import type { Enhancers } from './enhancers.js';
import { type ItemPass, toInput } from './input.js';
import type { Parameter } from './parameter.js';

/** A parameter with what its types mean in this application. */
export type TypedParameter = Parameter & {
  /** What its value, or each item of the input, must be. */
  readonly element: ElementType | undefined;
  /** The registered class a plain argument is declared with: an object without a class becomes one. */
  readonly model: ModelType | undefined;
  /** `argument 2`: its place among the client's, for sentences. */
  readonly name: string;
};

/** Makes the value of one parameter from what the client sent for it; may be a promise. */
type Reader = (sent: unknown, context: CallContext) => unknown;

interface BoundParameter {
  readonly takesArgument: boolean;
  readonly read: Reader;
}

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

/** Turns the arguments a client sent into those of the handler. */
export class HandlerArguments {
  readonly #bound: readonly BoundParameter[];
  readonly #maximum: number | undefined;
  /** Whether any of the readers may give a promise. */
  readonly #isAsync: boolean;

  constructor(layout: ArgumentLayout, enhancers: Enhancers) {
    this.#maximum = layout.maximum;
    const binder = new ParameterBinder(layout, enhancers);
    this.#bound = layout.parameters.map((parameter) => binder.bind(parameter));
    this.#isAsync = binder.isAsync;
  }

  /** @throws StreamError `invalid-argument`; a promise rejects with it, or with what a pipe threw. */
  read(context: CallContext): unknown[] | Promise<unknown[]> {
    const sent = context.args[1];
    if (context.call.problem !== undefined) throw context.call.problem;
    if (this.#maximum !== undefined && sent.length > this.#maximum) {
      const limit = `at most ${this.#maximum} arguments, not ${sent.length}`;
      throw new StreamError('invalid-argument', `The method takes ${limit}.`);
    }
    if (!this.#isAsync) return this.#trim(this.#values(sent, context, now));
    return Promise.all(this.#values(sent, context, later)).then((it) => this.#trim(it));
  }

  #values(sent: readonly unknown[], context: CallContext, run: typeof now): unknown[] {
    let place = 0;
    const values = this.#bound.map(({ takesArgument, read }) =>
      run(read, takesArgument ? sent[place++] : undefined, context),
    );
    // More than there are places for: they are the last parameter's, which is a rest parameter.
    const rest = this.#bound.at(-1);
    for (; place < sent.length; place++)
      values.push(rest === undefined ? undefined : run(rest.read, sent[place], context));
    return values;
  }

  /** What was not sent doesn't count as a first `undefined` of a rest parameter. */
  #trim(values: unknown[]): unknown[] {
    if (this.#maximum !== undefined) return values;
    while (values.length > 0 && values.at(-1) === undefined) values.pop();
    return values;
  }
}

/** Binds parameters to the pipes of one context. */
class ParameterBinder {
  readonly #layout: ArgumentLayout;
  readonly #enhancers: Enhancers;
  readonly #consumer = new PipesConsumer();
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
        return { takesArgument: true, read: this.#argument(parameter, parameter.isOpen) };
    }
  }

  #custom(parameter: TypedParameter, factory: unknown): Reader {
    this.isAsync = true;
    const pass = this.#pass(parameter, 'custom', this.#pipesOf(parameter));
    return async (_, context) => {
      if (typeof factory !== 'function') return undefined;
      const value: unknown = await factory(parameter.data, this.#layout.createContext(context));
      return pass === undefined ? value : pass(value, parameter.metatype);
    };
  }

  #argument(parameter: TypedParameter, isOpen: boolean): Reader {
    const { element, model, name } = parameter;
    const pass = this.#pass(parameter, 'body', this.#pipesOf(parameter));
    const wait = this.#layout.mayWait ? this.#waited : undefined;
    this.isAsync ||= pass !== undefined || wait !== undefined;
    const check = (value: unknown): unknown => {
      // Whether it may be left out, or be null, its type doesn't tell.
      if (value !== undefined && value !== null) element?.check(value, name);
      return value;
    };
    const process = (sent: unknown): unknown =>
      pass === undefined ? check(sent) : pass(sent, parameter.metatype).then(check);
    return (given) => {
      if (given instanceof Inbox) {
        return isOpen ? toInput(given, 'iterable', wait) : refuse(name, 'must not be a stream');
      }
      const sent = model === undefined ? given : toModel(given, model);
      const checked = wait === undefined ? sent : wait(sent);
      return checked instanceof Promise ? checked.then(process) : process(checked);
    };
  }

  #input(parameter: TypedParameter): Reader {
    const pass = this.#passItem(parameter);
    const { shape, name } = parameter;
    return (sent) =>
      sent instanceof Inbox ? toInput(sent, shape, pass) : refuse(name, 'must be a stream');
  }

  /** The pipes of the application and the class see items by their type: where it is declared. */
  #passItem(parameter: TypedParameter): ItemPass | undefined {
    const { element, name } = parameter;
    const own = this.#enhancers.parameterPipes(parameter.pipes);
    const pass = this.#pass(
      parameter,
      'body',
      element === undefined ? own : this.#pipesOf(parameter),
    );
    const { mayWait } = this.#layout;
    const check = (item: unknown): unknown => {
      element?.check(item, `${name}, item,`);
      return mayWait ? this.#waited(item) : item;
    };
    if (pass === undefined) return element === undefined && !mayWait ? undefined : check;
    return (item) => pass(item, element?.classOf(item)).then(check);
  }

  /** The item, once its asynchronous constraints have passed it. */
  readonly #waited: ItemPass = (item) => {
    const waiting = this.#layout.arrivals.waitFor(item);
    return waiting === undefined ? item : waiting.then(() => item);
  };

  #pipesOf(parameter: TypedParameter): PipeTransform[] {
    return [...this.#enhancers.pipes, ...this.#enhancers.parameterPipes(parameter.pipes)];
  }

  #pass(
    { data, schema }: TypedParameter,
    type: 'body' | 'custom',
    pipes: PipeTransform[],
  ): ((value: unknown, metatype: ElementClass | undefined) => Promise<unknown>) | undefined {
    if (pipes.length === 0) return undefined;
    return (value, metatype) => {
      // ValidationPipe takes the classes it doesn't know for DTOs.
      const known = metatype === BigInt || metatype === Uint8Array ? undefined : metatype;
      const metadata = { type, metatype: known, data, schema } as ArgumentMetadata;
      return this.#consumer.applyPipes(value, metadata, pipes);
    };
  }
}

/** What a class declares decides: its rules are not passed by leaving the class out. */
function toModel(value: unknown, model: ModelType): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  return isPlain ? model.fromFields(value as Record<string, unknown>) : value;
}

function refuse(name: string, constraint: string): never {
  throw new StreamError('invalid-argument', `${name} ${constraint}.`, {
    data: [{ property: name, constraints: { type: constraint } }],
  });
}

function now(read: Reader, sent: unknown, context: CallContext): unknown {
  return read(sent, context);
}

/** What one of several readers throws at once must not leave the promises of the others alone. */
async function later(read: Reader, sent: unknown, context: CallContext): Promise<unknown> {
  return read(sent, context);
}
