import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';
import type { ContextId } from '@nestjs/core/injector/instance-wrapper.js';
import { REQUEST_CONTEXT_ID } from '@nestjs/core/router/request/request-constants.js';
import type { MessageBus } from '../bus/message-bus.js';
import { StreamError } from '../protocol/stream-error.js';
import type { ServerCall } from '../server/call.js';
import type { ServerMethod } from '../server/method.js';
import type { PushOptions } from '../stream/source.js';
import { atMost } from './at-most.js';
import { type CallContext, createExecutionContext } from './call-context.js';
import { CallPipeline, type PipelinePlan } from './call-pipeline.js';
import type { EnhancerFactory } from './enhancers.js';
import { type BoundFilter, filterError } from './exception-filters.js';
import { toStreamError } from './exception-mapping.js';
import type { DiscoveredMethod } from './method-explorer.js';
import type { StreamingAuthentication } from './streaming-authentication.js';
import { StreamingSession } from './streaming-session.js';

/** What a handler needs of the application. */
export interface HandlerParts {
  readonly bus: MessageBus;
  readonly enhancers: EnhancerFactory;
  readonly authentication: StreamingAuthentication;
  /** The same method as another class has it, planned; `undefined` where that is no streaming method. */
  override(method: DiscoveredMethod, prototype: object): PipelinePlan | undefined;
}

/** One call under way, for when it fails. */
interface RunningCall {
  readonly args: CallContext['args'];
  readonly method: DiscoveredMethod;
  readonly filters: readonly BoundFilter[];
}

/** How long a call that no guard protects waits for a slow authenticator, in ms. */
const LONGEST_WAIT_MS = 200;

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
  /** Whether what runs first could ask who the client is. */
  readonly #seesSession: boolean;
  readonly #hasGuards: boolean;
  /** Of the classes that a factory of request scope makes beside the one it promised. */
  readonly #overrides = new WeakMap<object, PipelinePlan>();

  constructor(plan: PipelinePlan, parts: HandlerParts) {
    const { method } = plan;
    const { wrapper, prototype } = method.host;
    this.name = `${method.endpoint}.${method.name}`;
    this.push = plan.push;
    this.#plan = plan;
    this.#parts = parts;
    const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
    if (isStatic) this.#static = this.#createPipeline(plan, wrapper.instance, STATIC_CONTEXT);
    this.#seesSession = this.#static?.seesSession ?? true;
    this.#hasGuards = this.#static?.hasGuards ?? parts.enhancers.hasGuards(method);
    const instance = Object.create(prototype) as object;
    this.#staticFilters = parts.enhancers.filters(method, instance, STATIC_CONTEXT);
  }

  invoke(call: ServerCall, args: unknown[]): unknown {
    const { endpoint, name } = this.#plan.method;
    const { authentication, bus } = this.#parts;
    const who = authentication.of(call.connection);
    const session = new StreamingSession(call, endpoint, name, bus, who);
    const context: CallContext = { call, session, who, args: [session, args, this.name] };
    this.#useFilters(context, this.#plan.method, this.#staticFilters);
    const settling = this.#seesSession ? who?.settled() : undefined;
    return settling === undefined ? this.#run(context) : this.#runSettled(context, settling);
  }

  /** A hanging authenticator must not keep a call that needs nobody's word. */
  async #runSettled(context: CallContext, settling: Promise<void>): Promise<unknown> {
    await (this.#hasGuards ? settling : atMost(settling, LONGEST_WAIT_MS));
    return context.call.end === undefined ? this.#run(context) : undefined;
  }

  #run(context: CallContext): unknown {
    return this.#static === undefined ? this.#invokeScoped(context) : this.#static.run(context);
  }

  /** What the client is told of an error of a call, after the filters. */
  toStreamError(error: unknown, call: ServerCall): StreamError | Promise<StreamError> {
    const running = this.#running.get(call);
    if (running === undefined) return toStreamError(error);
    const { host, handler } = running.method;
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
    const plan = this.#planFor(instance);
    const filters = this.#parts.enhancers.filters(plan.method, instance, contextId);
    this.#useFilters(context, plan.method, filters);
    return this.#createPipeline(plan, instance, contextId).run(context);
  }

  /** What a factory of request scope makes may be a child of what it promised. */
  #planFor(instance: object): PipelinePlan {
    const { method } = this.#plan;
    const prototype = Object.getPrototypeOf(instance) as object;
    if (Reflect.get(prototype, method.key) === method.handler) return this.#plan;
    const plan = this.#overrides.get(prototype) ?? this.#parts.override(method, prototype);
    if (plan === undefined) {
      throw new StreamError('not-found', `There is no streaming method "${this.name}".`);
    }
    this.#overrides.set(prototype, plan);
    return plan;
  }

  #useFilters(
    { call, args }: CallContext,
    method: DiscoveredMethod,
    filters: readonly BoundFilter[],
  ): void {
    if (filters.length > 0) this.#running.set(call, { args, method, filters });
  }

  #createPipeline(plan: PipelinePlan, instance: object, contextId: ContextId): CallPipeline {
    const enhancers = this.#parts.enhancers.create(plan.method, instance, contextId);
    return new CallPipeline(plan, instance, enhancers);
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
