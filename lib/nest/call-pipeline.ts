import { ForbiddenException } from '@nestjs/common';
import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import type { PushOptions } from '../stream/source.js';
import type { CallContext } from './call-context.js';
import type { Enhancers } from './enhancers.js';
import { type ArgumentLayout, HandlerArguments } from './handler-arguments.js';
import { runIntercepted } from './interception.js';
import type { DiscoveredMethod } from './method-explorer.js';

/** What the pipelines of one method share, whatever instance they run on. */
export interface PipelinePlan {
  readonly method: DiscoveredMethod;
  readonly layout: ArgumentLayout;
  readonly push: PushOptions;
  /** Whether the method's declaration tells that it gives a stream. */
  readonly givesStream: boolean;
  failedLate(context: CallContext, error: unknown): void;
}

const GUARDS = new GuardsConsumer();
const INTERCEPTORS = new InterceptorsConsumer();

/** A handler on one instance, with what Nest puts around it: guards, interceptors, pipes. */
export class CallPipeline {
  readonly #plan: PipelinePlan;
  readonly #instance: object;
  readonly #enhancers: Enhancers;
  readonly #arguments: HandlerArguments;

  constructor(plan: PipelinePlan, instance: object, enhancers: Enhancers) {
    this.#plan = plan;
    this.#instance = instance;
    this.#enhancers = enhancers;
    this.#arguments = new HandlerArguments(plan.layout, enhancers);
  }

  /** Runs one call. Without enhancers the handler's own result comes back, at once. */
  run(context: CallContext): unknown {
    const { guards, interceptors } = this.#enhancers;
    if (guards.length > 0) return this.#runGuarded(context);
    return interceptors.length > 0 ? this.#intercept(context) : this.#invoke(context);
  }

  async #runGuarded(context: CallContext): Promise<unknown> {
    const { guards, interceptors } = this.#enhancers;
    const { handler } = this.#plan.method;
    const { args, call } = context;
    const mayRun = await GUARDS.tryActivate(guards, args, this.#instance, handler, 'ws');
    if (!mayRun) throw new ForbiddenException('Forbidden resource');
    if (call.end !== undefined) return undefined;
    return interceptors.length > 0 ? this.#intercept(context) : this.#invoke(context);
  }

  #intercept(context: CallContext): Promise<unknown> {
    const { method, givesStream, failedLate } = this.#plan;
    const { interceptors } = this.#enhancers;
    const { args, call } = context;
    return runIntercepted({
      call,
      givesStream,
      intercept: (next) =>
        INTERCEPTORS.intercept(interceptors, args, this.#instance, method.handler, next, 'ws'),
      invoke: () => this.#invoke(context),
      failedLate: (error) => failedLate(context, error),
    });
  }

  #invoke(context: CallContext): unknown {
    const values = this.#arguments.read(context);
    if (values instanceof Promise) return this.#invokeLater(context, values);
    return this.#plan.method.handler.apply(this.#instance, values);
  }

  async #invokeLater({ call }: CallContext, values: Promise<unknown[]>): Promise<unknown> {
    const read = await values;
    if (call.end !== undefined) return undefined;
    return this.#plan.method.handler.apply(this.#instance, read);
  }
}
