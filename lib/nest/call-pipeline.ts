import { AsyncResource } from 'node:async_hooks';
import { ForbiddenException } from '@nestjs/common';
import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { CallAuthorization } from '../auth/call-authorization.js';
import type { ConnectionAuthentication } from '../auth/connection-authentication.js';
import type { PushOptions } from '../stream/source.js';
import type { ArgumentLayout } from './argument-layout.js';
import type { CallContext } from './call-context.js';
import type { Enhancers } from './enhancers.js';
import { HandlerArguments } from './handler-arguments.js';
import { runIntercepted } from './interception.js';
import type { DiscoveredMethod } from './method-explorer.js';
import { type OutputRules, parseOutput } from './parsed-output.js';

/** What the pipelines of one method share, whatever instance they run on. */
export interface PipelinePlan {
  readonly method: DiscoveredMethod;
  readonly layout: ArgumentLayout;
  readonly push: PushOptions;
  /** Whether the method's declaration tells that it gives a stream. */
  readonly givesStream: boolean;
  /** What its items have to be on their way out; most methods don't say. */
  readonly output: OutputRules | undefined;
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

  get hasGuards(): boolean {
    return this.#enhancers.guards.length > 0;
  }

  /** Whether something could ask who the client is before a guard has. */
  get seesSession(): boolean {
    const { guards, interceptors } = this.#enhancers;
    if (guards.length > 0) return false;
    const { parameters } = this.#plan.layout;
    return interceptors.length > 0 || parameters.some(({ kind }) => takesSession(kind));
  }

  /** Runs one call. Without enhancers the handler's own result comes back, at once. */
  run(context: CallContext): unknown {
    const { output } = this.#plan;
    const result = this.#run(context);
    return output === undefined ? result : parseOutput(result, output, context.call.push);
  }

  #run(context: CallContext): unknown {
    const { guards, interceptors } = this.#enhancers;
    if (guards.length > 0) return this.#runGuarded(context);
    return interceptors.length > 0 ? this.#intercept(context) : this.#invoke(context);
  }

  async #runGuarded(context: CallContext): Promise<unknown> {
    const { interceptors } = this.#enhancers;
    const { call, who } = context;
    if (who === undefined) await this.#askGuards(context);
    else await this.#authorize(context, who);
    if (call.end !== undefined) return undefined;
    return interceptors.length > 0 ? this.#intercept(context) : this.#invoke(context);
  }

  /** The same guards are asked again for as long as the call runs, whenever who it is changes. */
  #authorize(context: CallContext, who: ConnectionAuthentication): Promise<void> {
    // Whoever revokes does so in an asynchronous context of its own: guards belong to the call's.
    const own = new AsyncResource('StreamingGuards');
    const ask = () => own.runInAsyncScope(() => this.#askGuards(context));
    return new CallAuthorization(context.call, who, ask).admit();
  }

  async #askGuards({ args }: CallContext): Promise<void> {
    const { guards } = this.#enhancers;
    const { handler } = this.#plan.method;
    const mayRun = await GUARDS.tryActivate(guards, args, this.#instance, handler, 'ws');
    if (!mayRun) throw new ForbiddenException('Forbidden resource');
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
    return this.#apply(context, values);
  }

  async #invokeLater(context: CallContext, values: Promise<unknown[]>): Promise<unknown> {
    const read = await values;
    if (context.call.end !== undefined) return undefined;
    return this.#apply(context, read);
  }

  /** A generator runs in the context of who asks it for items: that must be the handler's own. */
  #apply({ call }: CallContext, values: unknown[]): unknown {
    const result = this.#plan.method.handler.apply(this.#instance, values);
    call.keepContext();
    return result;
  }
}

function takesSession(kind: string): boolean {
  return kind === 'session' || kind === 'custom';
}
