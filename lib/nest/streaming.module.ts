import 'reflect-metadata';
import { type DynamicModule, Global, Module, type Provider, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { AuthRevocation } from '../auth/auth-revocation.js';
import { Authenticator } from '../auth/authenticator.js';
import { BusDriver } from '../bus/bus-driver.js';
import type { BusHooks } from '../bus/bus-hooks.js';
import { LocalDriver } from '../bus/local-driver.js';
import { MessageBus } from '../bus/message-bus.js';
import { createRedisDriver } from '../bus/redis/create-redis-driver.js';
import { ArrivingModels } from '../model/arriving-models.js';
import { classTransformer } from '../model/class-transformer.js';
import { ModelRegistry, serializableClasses } from '../model/registry.js';
import type { ServerHooks } from '../server/server-hooks.js';
import { StreamingServer } from '../server/streaming-server.js';
import { AuthLog } from './auth-log.js';
import { AuthenticatorFactory } from './authenticator-factory.js';
import { createBusHooks } from './bus-hooks.js';
import { BusLog } from './bus-log.js';
import { DeclarationLog } from './declaration-log.js';
import { createEngineHooks } from './engine-hooks.js';
import { EngineLog } from './engine-log.js';
import { EnhancerFactory } from './enhancers.js';
import { toStreamError } from './exception-mapping.js';
import { MethodCompiler } from './method-compiler.js';
import { MethodExplorer } from './method-explorer.js';
import { MethodRegistry } from './method-registry.js';
import { StreamingAuthentication } from './streaming-authentication.js';
import { StreamingHandler } from './streaming-handler.js';
import { StreamingHealthIndicator } from './streaming-health.js';
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
const BUS_HOOKS = Symbol.for('nestjs-streaming:bus-hooks');
const ENGINE_HOOKS = Symbol.for('nestjs-streaming:engine-hooks');

const PROVIDERS: Provider[] = [
  { provide: OPTIONS, useValue: {} },
  { provide: RESOLVED_OPTIONS, inject: [OPTIONS], useFactory: resolveStreamingOptions },
  { provide: ArrivingModels, inject: [RESOLVED_OPTIONS], useFactory: createArrivals },
  { provide: ModelRegistry, inject: [RESOLVED_OPTIONS, ArrivingModels], useFactory: createModels },
  { provide: BUS_HOOKS, inject: [RESOLVED_OPTIONS, BusLog], useFactory: createBusHooks },
  { provide: BusDriver, inject: [RESOLVED_OPTIONS, BUS_HOOKS], useFactory: createDriver },
  { provide: MessageBus, inject: [BusDriver, BUS_HOOKS, ModelRegistry], useFactory: createBus },
  {
    provide: Authenticator,
    inject: [RESOLVED_OPTIONS, AuthenticatorFactory],
    useFactory: createAuthenticator,
  },
  {
    provide: AuthRevocation,
    inject: [StreamingAuthentication],
    useFactory: (log: StreamingAuthentication) => new AuthRevocation(log),
  },
  {
    provide: ENGINE_HOOKS,
    inject: [EngineLog, StreamingAuthentication, AuthLog],
    useFactory: createEngineHooks,
  },
  {
    provide: StreamingServer,
    inject: [RESOLVED_OPTIONS, MethodRegistry, ModelRegistry, ENGINE_HOOKS],
    useFactory: createServer,
  },
  AuthLog,
  AuthenticatorFactory,
  BusLog,
  DeclarationLog,
  EngineLog,
  EnhancerFactory,
  MethodCompiler,
  MethodExplorer,
  MethodRegistry,
  StreamingAuthentication,
  StreamingHealthIndicator,
  StreamingLifecycle,
];

/**
 * Finds the methods with `@StreamingMethod()` in all modules and runs them for clients, over one
 * WebSocket each. Import it once, in the root module; `MessageBus` can be injected everywhere then.
 */
@Global()
@Module({ providers: PROVIDERS, exports: [AuthRevocation, MessageBus, StreamingHealthIndicator] })
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
    const { authenticator } = resolveStreamingOptions(options);
    const providers: Provider[] = [{ provide: OPTIONS, useValue: options }];
    if (typeof authenticator === 'function') providers.push(toProvider(authenticator));
    return { module: StreamingModule, providers };
  }

  /** Options that a factory makes, with what it needs injected. */
  static forRootAsync(options: StreamingModuleAsyncOptions): DynamicModule {
    const { imports = [] } = options;
    return { module: StreamingModule, imports, providers: toProviders(options) };
  }
}

/** By its own name, so that a test can override it. */
function toProvider(authenticator: Type<Authenticator>): Provider {
  return {
    provide: authenticator,
    inject: [AuthenticatorFactory],
    useFactory: (factory: AuthenticatorFactory) => factory.make(authenticator),
  };
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

/**
 * What other servers send is held against the models, but not validated: they are servers, and what
 * clients sent them was.
 */
async function createDriver(options: ResolvedOptions, hooks: BusHooks): Promise<BusDriver> {
  const { redis, bus, limits, transform } = options;
  if (redis === undefined) return new LocalDriver();
  const models = new ModelRegistry(serializableClasses(), classTransformer(transform));
  return createRedisDriver({ redis, options: bus, models, limits, hooks });
}

function createBus(driver: BusDriver, hooks: BusHooks, models: ModelRegistry): MessageBus {
  return new MessageBus({ driver, hooks, share: (message) => models.share(message) });
}

function createAuthenticator(
  { authenticator }: ResolvedOptions,
  factory: AuthenticatorFactory,
): Promise<Authenticator | undefined> {
  return factory.provide(authenticator);
}

function createServer(
  { limits }: ResolvedOptions,
  methods: MethodRegistry,
  models: ModelRegistry,
  hooks: ServerHooks,
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
