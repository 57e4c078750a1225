import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';
import type { ContextId } from '@nestjs/core/injector/instance-wrapper.js';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import type { MessageBus } from '../bus/message-bus.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { ServerCall } from '../server/call.js';
import type { ServerMethod } from '../server/method.js';
import type { PushOptions } from '../stream/source.js';
import { type CallContext, createExecutionContext } from './call-context.js';
import { CallPipeline, type PipelinePlan } from './call-pipeline.js';
import type { EnhancerFactory } from './enhancers.js';
import { type BoundFilter, filterError } from './exception-filters.js';
import { toStreamError } from './exception-mapping.js';
import { StreamingSession } from './streaming-session.js';

/** What a handler needs of the application. */
export interface HandlerParts {
  readonly bus: MessageBus;
  readonly enhancers: EnhancerFactory;
}

/** One call under way, for when it fails. */
interface RunningCall {
  readonly args: CallContext['args'];
  readonly filters: readonly BoundFilter[];
}

/** A streaming method as the engine sees it: the session, the instance, and Nest's pipeline. */
export class StreamingHandler implements ServerMethod {
  readonly name: string;
  readonly push: PushOptions;
  readonly #plan: PipelinePlan;
  readonly #parts: HandlerParts;
  /** For a method whose instance and enhancers are the same for all calls. */
  readonly #static: CallPipeline | undefined;
  /** Those that need no context; all there are when the instance can't be made. */
  readonly #staticFilters: readonly BoundFilter[];
  readonly #running = new WeakMap<ServerCall, RunningCall>();

  constructor(plan: PipelinePlan, parts: HandlerParts) {
    const { method } = plan;
    const { wrapper, prototype } = method.host;
    this.name = `${method.endpoint}.${method.name}`;
    this.push = plan.push;
    this.#plan = plan;
    this.#parts = parts;
    const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
    if (isStatic) this.#static = this.#createPipeline(wrapper.instance, STATIC_CONTEXT);
    const instance = Object.create(prototype) as object;
    this.#staticFilters = parts.enhancers.filters(method, instance, STATIC_CONTEXT);
  }

  invoke(call: ServerCall, args: unknown[]): unknown {
    const { endpoint, name } = this.#plan.method;
    const session = new StreamingSession(call, endpoint, name, this.#parts.bus);
    const context: CallContext = { call, session, args: [session, args, this.name] };
    this.#useFilters(context, this.#staticFilters);
    return this.#static === undefined ? this.#invokeScoped(context) : this.#static.run(context);
  }

  /** What the client is told of an error of a call, after the filters. */
  toStreamError(error: unknown, call: ServerCall): StreamError | Promise<StreamError> {
    const running = this.#running.get(call);
    if (running === undefined) return toStreamError(error);
    const { host, handler } = this.#plan.method;
    const context = createExecutionContext(running.args, host.class, handler);
    const filtered = filterError(running.filters, error, context);
    return filtered instanceof Promise ? filtered.then(toStreamError) : toStreamError(filtered);
  }

  async #invokeScoped(context: CallContext): Promise<unknown> {
    const { call, session } = context;
    const { host } = this.#plan.method;
    const moduleRef = host.moduleRef.getProviderByKey<ModuleRef>(ModuleRef).instance;
    const contextId = createContextId(session, moduleRef, host.wrapper.isDependencyTreeDurable());
    const instance = await moduleRef.resolve<object>(host.wrapper.token, contextId, {
      strict: true,
    });
    if (call.end !== undefined) return undefined;
    const { enhancers } = this.#parts;
    this.#useFilters(context, enhancers.filters(this.#plan.method, instance, contextId));
    return this.#createPipeline(instance, contextId).run(context);
  }

  #useFilters({ call, args }: CallContext, filters: readonly BoundFilter[]): void {
    if (filters.length > 0) this.#running.set(call, { args, filters });
  }

  #createPipeline(instance: object, contextId: ContextId): CallPipeline {
    const enhancers = this.#parts.enhancers.create(this.#plan.method, instance, contextId);
    return new CallPipeline(this.#plan, instance, enhancers);
  }
}

/** As Nest's router does it for a request; the session is what `@Inject(REQUEST)` gives. */
function createContextId(
  session: StreamingSession,
  moduleRef: ModuleRef,
  isDurable: boolean,
): ContextId {
  const contextId = ContextIdFactory.getByRequest(session);
  Object.defineProperty(session, REQUEST_CONTEXT_ID, { value: contextId });
  const { payload } = contextId;
  const request = isDurable ? payload : Object.assign(session, payload);
  moduleRef.registerRequestByContextId(request, contextId);
  return contextId;
}
