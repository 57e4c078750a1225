import { StreamError } from '../protocol/stream-error.js';
import type { ArgumentLayout } from './argument-layout.js';
import type { CallContext } from './call-context.js';
import type { Enhancers } from './enhancers.js';
import {
  type BoundParameter,
  ParameterBinder,
  type Reader,
  refuseMissing,
} from './parameter-binder.js';

/** Turns the arguments a client sent into those of the handler. */
export class HandlerArguments {
  readonly #bound: readonly BoundParameter[];
  readonly #maximum: number | undefined;
  /** How many of the parameters are the client's arguments. */
  readonly #places: number;
  /** Whether any of the readers may give a promise. */
  readonly #isAsync: boolean;

  constructor(layout: ArgumentLayout, enhancers: Enhancers) {
    this.#maximum = layout.maximum;
    const binder = new ParameterBinder(layout, enhancers);
    this.#bound = layout.parameters.map((parameter) => binder.bind(parameter));
    this.#places = this.#bound.filter(({ takesArgument }) => takesArgument).length;
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
    this.#assertAllSent(sent.length);
    if (!this.#isAsync) return this.#trim(this.#values(sent, context, now), sent.length);
    return Promise.all(this.#values(sent, context, later)).then((it) =>
      this.#trim(it, sent.length),
    );
  }

  #assertAllSent(sent: number): void {
    if (sent >= this.#places) return;
    let place = 0;
    for (const { takesArgument, required } of this.#bound) {
      if (!takesArgument || place++ < sent) continue;
      if (required !== undefined) refuseMissing(required);
    }
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
  #trim(values: unknown[], sent: number): unknown[] {
    if (this.#maximum !== undefined) return values;
    let unsent = this.#places - sent;
    for (; unsent > 0 && values.at(-1) === undefined; unsent--) values.pop();
    return values;
  }
}

function now(read: Reader, sent: unknown, context: CallContext): unknown {
  return read(sent, context);
}

/** What one of several readers throws at once must not leave the promises of the others alone. */
async function later(read: Reader, sent: unknown, context: CallContext): Promise<unknown> {
  return read(sent, context);
}
