import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { MessageBus } from '../bus/message-bus.js';
import { ArrivingModels } from '../model/arriving-models.js';
import { type ModelClass, ModelRegistry, serializableClasses } from '../model/registry.js';
import type { ModelType } from '../protocol/model-port.js';
import { StreamError } from '../protocol/stream-error.js';
import { StreamingServer } from '../server/streaming-server.js';
import { OVERFLOWS } from '../stream/overflow.js';
import type { PushOptions } from '../stream/source.js';
import { createExecutionContext } from './call-context.js';
import type { PipelinePlan } from './call-pipeline.js';
import { ElementType } from './element-type.js';
import { EngineLog } from './engine-log.js';
import { EnhancerFactory } from './enhancers.js';
import type { ArgumentLayout, TypedParameter } from './handler-arguments.js';
import type { DiscoveredMethod } from './method-explorer.js';
import { type Parameter, type ParameterList, readParameters } from './parameter.js';
import { StreamingHandler } from './streaming-handler.js';

/** Turns what the scan found into what the engine runs: all that can be known before a call. */
@Injectable()
export class MethodCompiler {
  constructor(
    private readonly enhancers: EnhancerFactory,
    private readonly models: ModelRegistry,
    private readonly arrivals: ArrivingModels,
    private readonly bus: MessageBus,
    private readonly server: StreamingServer,
    private readonly log: EngineLog,
  ) {}

  /** @throws Error with a sentence, for declarations that could not work. */
  compile(method: DiscoveredMethod): StreamingHandler {
    this.#check(method);
    const { host, key, options, title } = method;
    const list = readParameters(host.prototype, key, title);
    const pipes = list.parameters.flatMap((it) => it.pipes);
    this.enhancers.assertComplete(method, pipes);
    const plan: PipelinePlan = {
      method,
      layout: this.#layout(method, list),
      push: this.#push(method),
      givesStream: options.yields !== undefined || givesStream(method),
      failedLate: ({ call }, error) => this.log.handlerFailedLate(call, error),
    };
    return new StreamingHandler(plan, { bus: this.bus, enhancers: this.enhancers });
  }

  #check({ handler, key, options, title }: DiscoveredMethod): void {
    if (kindOf(handler) === 'GeneratorFunction') {
      throw new TypeError(`${title} is a generator that is not async: write async *${key}.`);
    }
    const { overflow, yields } = options;
    if (overflow !== undefined && !OVERFLOWS.includes(overflow)) {
      const known = OVERFLOWS.join(', ');
      throw new TypeError(`${title} has an unknown overflow, ${overflow}: there are ${known}.`);
    }
    if (yields !== undefined) ElementType.of(yields, this.models, `${title}, yields,`);
  }

  #layout(method: DiscoveredMethod, list: ParameterList): ArgumentLayout {
    const { handler, host, title } = method;
    let place = 0;
    const parameters = list.parameters.map((it): TypedParameter => {
      const isSent = it.kind === 'argument' || it.kind === 'input';
      const element = this.#elementOf(it, `${title}, parameter ${it.index + 1},`);
      const model = it.kind === 'argument' ? this.#modelOf(it) : undefined;
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

  #modelOf({ metatype }: Parameter): ModelType | undefined {
    return metatype === undefined ? undefined : this.models.typeFor(metatype as ModelClass);
  }

  #elementOf(parameter: Parameter, where: string): ElementType | undefined {
    if (parameter.kind === 'argument') return ElementType.ofParameter(parameter.metatype);
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

function givesStream({ handler, host, key }: DiscoveredMethod): boolean {
  if (kindOf(handler) === 'AsyncGeneratorFunction') return true;
  const type: unknown = Reflect.getMetadata('design:returntype', host.prototype, key);
  if (type === ReadableStream) return true;
  return typeof type === 'function' && typeof type.prototype?.subscribe === 'function';
}

function kindOf(handler: unknown): string {
  return Object.prototype.toString.call(handler).slice('[object '.length, -1);
}
