import 'reflect-metadata';
import { Injectable, type Type } from '@nestjs/common';
import { MessageBus } from '../bus/message-bus.js';
import { ArrivingModels } from '../model/arriving-models.js';
import { type ModelClass, ModelRegistry, serializableClasses } from '../model/registry.js';
import type { ModelType } from '../protocol/model-port.js';
import { StreamError } from '../protocol/stream-error.js';
import { StreamingServer } from '../server/streaming-server.js';
import { OVERFLOWS } from '../stream/overflow.js';
import type { PushOptions } from '../stream/source.js';
import type { ArgumentLayout, TypedParameter } from './argument-layout.js';
import { createExecutionContext } from './call-context.js';
import type { PipelinePlan } from './call-pipeline.js';
import { DeclarationLog } from './declaration-log.js';
import { ElementType } from './element-type.js';
import { EngineLog } from './engine-log.js';
import { EnhancerFactory } from './enhancers.js';
import { readMethodOptions } from './method.decorators.js';
import type { DiscoveredMethod } from './method-explorer.js';
import { type Parameter, type ParameterList, readParameters } from './parameter.js';
import { isSchema } from './standard-schema.js';
import { StreamingAuthentication } from './streaming-authentication.js';
import { StreamingHandler } from './streaming-handler.js';

const OPTIONS: readonly string[] = ['name', 'yields', 'overflow'];

/** Turns what the scan found into what the engine runs: all that can be known before a call. */
@Injectable()
export class MethodCompiler {
  constructor(
    private readonly enhancers: EnhancerFactory,
    private readonly models: ModelRegistry,
    private readonly arrivals: ArrivingModels,
    private readonly bus: MessageBus,
    private readonly server: StreamingServer,
    private readonly authentication: StreamingAuthentication,
    private readonly log: EngineLog,
    private readonly declarations: DeclarationLog,
  ) {}

  /** @throws Error with a sentence, for declarations that could not work. */
  compile(method: DiscoveredMethod): StreamingHandler {
    return new StreamingHandler(this.#plan(method), {
      bus: this.bus,
      enhancers: this.enhancers,
      authentication: this.authentication,
      override: (overridden, prototype) => this.#override(overridden, prototype),
    });
  }

  #override(method: DiscoveredMethod, prototype: object): PipelinePlan | undefined {
    const handler = Reflect.get(prototype, method.key) as DiscoveredMethod['handler'] | undefined;
    const options = handler && readMethodOptions(handler);
    if (handler === undefined || options === undefined) return undefined;
    const host = { ...method.host, prototype, class: prototype.constructor as Type };
    const title = `${host.class.name}.${method.key}`;
    return this.#plan({ ...method, handler, options, host, title });
  }

  #plan(method: DiscoveredMethod): PipelinePlan {
    this.#check(method);
    const { host, key, options, title } = method;
    const list = readParameters(host.prototype, key, title);
    const pipes = list.parameters.flatMap((it) => it.pipes);
    this.enhancers.assertComplete(method, pipes);
    this.declarations.look(method, list);
    return {
      method,
      layout: this.#layout(method, list),
      push: this.#push(method),
      givesStream: givesStream(method),
      output: isSchema(options.yields) ? { schema: options.yields, title } : undefined,
      failedLate: ({ call }, error) => this.log.handlerFailedLate(call, error),
    };
  }

  #check({ handler, key, options, title }: DiscoveredMethod): void {
    if (kindOf(handler) === 'GeneratorFunction') {
      throw new TypeError(`${title} is a generator that is not async: write async *${key}.`);
    }
    for (const name of Object.keys(options)) {
      if (OPTIONS.includes(name)) continue;
      const known = OPTIONS.join(', ');
      throw new TypeError(`${title} has an unknown option, ${name}: there are ${known}.`);
    }
    const { overflow, yields } = options;
    if (overflow !== undefined && !OVERFLOWS.includes(overflow)) {
      const known = OVERFLOWS.join(', ');
      throw new TypeError(`${title} has an unknown overflow, ${overflow}: there are ${known}.`);
    }
    if (yields === undefined || isSchema(yields)) return;
    ElementType.of(yields, this.models, `${title}, yields,`);
  }

  #layout(method: DiscoveredMethod, list: ParameterList): ArgumentLayout {
    const { handler, host, title } = method;
    let place = 0;
    const parameters = list.parameters.map((it): TypedParameter => {
      const isSent = it.kind === 'argument' || it.kind === 'input';
      const element = this.#elementOf(it, `${title}, parameter ${it.index + 1},`);
      const model = this.#modelOf(it, element);
      return { ...it, element, model, name: isSent ? `argument ${++place}` : '' };
    });
    const last = parameters.at(-1);
    const mayBeRest = list.isElastic && last?.name !== '';
    return {
      parameters,
      maximum: mayBeRest ? undefined : place,
      arrivals: this.arrivals,
      mayWait: this.arrivals.mayWait(serializableClasses()),
      createContext: ({ args }) => createExecutionContext(args, host.class, handler),
    };
  }

  #modelOf({ kind, metatype }: Parameter, element: ElementType | undefined): ModelType | undefined {
    const model = kind === 'input' ? element?.model : metatype;
    return model === undefined ? undefined : this.models.typeFor(model as ModelClass);
  }

  #elementOf(parameter: Parameter, where: string): ElementType | undefined {
    if (parameter.kind === 'argument') {
      const { metatype, pipes, schema } = parameter;
      const decidesItself = pipes.length > 0 || schema !== undefined;
      if (decidesItself) return ElementType.ofPrimitive(metatype);
      return ElementType.ofArgument(metatype, this.models);
    }
    if (parameter.kind !== 'input' || parameter.type === undefined) return undefined;
    const element = ElementType.of(parameter.type, this.models, where);
    for (const model of element.models) {
      if (!this.arrivals.hasRules(model)) this.log.takenUnchecked(where, model.name);
    }
    return element;
  }

  #push({ options }: DiscoveredMethod): PushOptions {
    return {
      overflow: options.overflow,
      capacity: this.server.limits.windowItems,
      overflowError: () =>
        new StreamError('slow-consumer', 'The client reads slower than the items come.'),
    };
  }
}

/** As far as its declaration tells: a schema may be that of a promise's value. */
function givesStream({ handler, host, key, options }: DiscoveredMethod): boolean {
  const kind = kindOf(handler);
  if (kind === 'AsyncGeneratorFunction') return true;
  const type: unknown = Reflect.getMetadata('design:returntype', host.prototype, key);
  if (type === ReadableStream || isObservableClass(type)) return true;
  if (!isSchema(options.yields)) return options.yields !== undefined;
  return kind !== 'AsyncFunction' && (type === undefined || type === Object);
}

function isObservableClass(type: unknown): boolean {
  return typeof type === 'function' && typeof type.prototype?.subscribe === 'function';
}

function kindOf(handler: unknown): string {
  return Object.prototype.toString.call(handler).slice('[object '.length, -1);
}
