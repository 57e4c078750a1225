import 'reflect-metadata';
import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { MessageBus } from '../bus/message-bus.js';
import { ArrivingModels } from '../model/arriving-models.js';
import { classTransformer } from '../model/class-transformer.js';
import { ModelRegistry, serializableClasses } from '../model/registry.js';
import { StreamingServer } from '../server/streaming-server.js';
import { EngineLog } from './engine-log.js';
import { EnhancerFactory } from './enhancers.js';
import { toStreamError } from './exception-mapping.js';
import { MethodCompiler } from './method-compiler.js';
import { MethodExplorer } from './method-explorer.js';
import { MethodRegistry } from './method-registry.js';
import { StreamingHandler } from './streaming-handler.js';
import { StreamingLifecycle } from './streaming-lifecycle.js';
import {
  RESOLVED_OPTIONS,
  type ResolvedOptions,
  resolveStreamingOptions,
  type StreamingModuleAsyncOptions,
  type StreamingModuleOptions,
  type StreamingOptionsFactory,
} from './streaming-options.js';

const OPTIONS = Symbol.for('nestjs-streaming:options');

const PROVIDERS: Provider[] = [
  { provide: OPTIONS, useValue: {} },
  { provide: RESOLVED_OPTIONS, inject: [OPTIONS], useFactory: resolveStreamingOptions },
  { provide: ArrivingModels, inject: [RESOLVED_OPTIONS], useFactory: createArrivals },
  { provide: ModelRegistry, inject: [RESOLVED_OPTIONS, ArrivingModels], useFactory: createModels },
  {
    provide: MessageBus,
    inject: [EngineLog],
    useFactory: (log: EngineLog) => new MessageBus({ hooks: log }),
  },
  {
    provide: StreamingServer,
    inject: [RESOLVED_OPTIONS, MethodRegistry, ModelRegistry, EngineLog],
    useFactory: createServer,
  },
  EngineLog,
  EnhancerFactory,
  MethodCompiler,
  MethodExplorer,
  MethodRegistry,
  StreamingLifecycle,
];

/**
 * Finds the methods with `@StreamingMethod()` in all modules and runs them for clients, over one
 * WebSocket each. Import it once, in the root module; `MessageBus` can be injected everywhere then.
 */
@Global()
@Module({ providers: PROVIDERS, exports: [MessageBus] })
export class StreamingModule {
  constructor(modules: ModulesContainer) {
    const ours = [...modules.values()].filter((it) => it.metatype === StreamingModule);
    if (ours.length > 1) {
      throw new Error(
        'StreamingModule is imported more than once. Import it in the root module alone; it is global.',
      );
    }
    // Nest starts modules from the greatest distance to the least, and stops them in reverse. Ours
    // opens last and closes first: a running call still finds all other providers at work. In the
    // constructor, because the order is fixed when the first hook runs.
    for (const module of ours) if ('distance' in module) module.distance = -1;
  }

  /** @throws TypeError with a sentence that names the option, for one that makes no sense. */
  static forRoot(options: StreamingModuleOptions = {}): DynamicModule {
    resolveStreamingOptions(options);
    return { module: StreamingModule, providers: [{ provide: OPTIONS, useValue: options }] };
  }

  /** Options that a factory makes, with what it needs injected. */
  static forRootAsync(options: StreamingModuleAsyncOptions): DynamicModule {
    const { imports = [] } = options;
    return { module: StreamingModule, imports, providers: toProviders(options) };
  }
}

function toProviders(options: StreamingModuleAsyncOptions): Provider[] {
  const { inject = [], useFactory, useClass, useExisting } = options;
  if ([useFactory, useClass, useExisting].filter((it) => it !== undefined).length !== 1) {
    throw new TypeError(
      'StreamingModule.forRootAsync() takes one of useFactory, useClass and useExisting.',
    );
  }
  if (useFactory !== undefined) {
    return [{ provide: OPTIONS, inject: inject as never[], useFactory }];
  }
  const factory = useClass ?? useExisting;
  const made = {
    provide: OPTIONS,
    inject: [factory] as never[],
    useFactory: (it: StreamingOptionsFactory) => it.createStreamingOptions(),
  };
  return useClass === undefined ? [made] : [made, { provide: useClass, useClass }];
}

function createArrivals({ validation }: ResolvedOptions): ArrivingModels {
  return new ArrivingModels(validation === false ? {} : validation);
}

function createModels(options: ResolvedOptions, arrivals: ArrivingModels): ModelRegistry {
  const compile = classTransformer(options.transform);
  const checked = options.validation === false ? compile : arrivals.checked(compile);
  return new ModelRegistry(serializableClasses(), checked);
}

function createServer(
  { limits }: ResolvedOptions,
  methods: MethodRegistry,
  models: ModelRegistry,
  hooks: EngineLog,
): StreamingServer {
  return new StreamingServer({
    methods,
    models,
    limits,
    hooks,
    toStreamError: (error, call) =>
      call.method instanceof StreamingHandler
        ? call.method.toStreamError(error, call)
        : toStreamError(error),
  });
}
