import type { CanActivate, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { ApplicationConfig, ModuleRef } from '@nestjs/core';
import { GuardsContextCreator } from '@nestjs/core/guards/guards-context-creator.js';
import type { ContextId, InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { InterceptorsContextCreator } from '@nestjs/core/interceptors/interceptors-context-creator.js';
import { PipesContextCreator } from '@nestjs/core/pipes/pipes-context-creator.js';
import { isOwnGuard, isPublic, RequireLogin } from './auth-guards.js';
import { type BoundFilter, FiltersContextCreator } from './exception-filters.js';
import type { DiscoveredMethod, MethodHost } from './method-explorer.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './streaming-options.js';

/** What stands around one handler in one context, but for its filters. */
export interface Enhancers {
  readonly guards: CanActivate[];
  readonly interceptors: NestInterceptor[];
  /** Those of the application, the class and the method, for all arguments. */
  readonly pipes: PipeTransform[];
  /** Makes the pipes of one parameter. */
  parameterPipes(given: readonly unknown[]): PipeTransform[];
}

/** Guards, pipes, interceptors and filters by what Nest's decorators and providers say. */
@Injectable()
export class EnhancerFactory {
  readonly #guards: GuardsContextCreator;
  readonly #interceptors: InterceptorsContextCreator;
  readonly #filters: FiltersContextCreator;
  readonly #pipes: PipesContextCreator;

  constructor(
    private readonly config: ApplicationConfig,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    moduleRef: ModuleRef,
  ) {
    // Not in ModuleRef's public type, as the creators aren't in Nest's public API.
    const container = moduleRef['container'];
    this.#guards = new GuardsContextCreator(container, config);
    this.#interceptors = new InterceptorsContextCreator(container, config);
    this.#filters = new FiltersContextCreator(container, config);
    this.#pipes = new PipesContextCreator(container, config);
  }

  /** The enhancers of a handler for an instance of its class. */
  create(method: DiscoveredMethod, instance: object, contextId: ContextId): Enhancers {
    const { handler, host } = method;
    const { moduleKey } = host;
    // Always with the id, or a transient guard of a static class doesn't run.
    const { id } = host.wrapper;
    return {
      guards: this.#guardsOf(method, instance, contextId),
      interceptors: this.#interceptors.create(instance, handler, moduleKey, contextId, id),
      pipes: this.#pipes.create(instance, handler, moduleKey, contextId, id),
      parameterPipes: (given) => {
        if (given.length === 0) return [];
        this.#pipes.setModuleContext(moduleKey);
        return this.#pipes.createConcreteContext([...given], contextId, id);
      },
    };
  }

  /** But for those of ours that a nearer `@Public()` opens. */
  #guardsOf(method: DiscoveredMethod, instance: object, contextId: ContextId): CanActivate[] {
    const { handler, host } = method;
    const { id } = host.wrapper;
    const guards = this.#guards.create(instance, handler, host.moduleKey, contextId, id);
    const byDefault = this.#isProtected(method) ? [new RequireLogin()] : [];
    if (!isPublic(handler) && !isPublic(host.class)) return [...byDefault, ...guards];
    const global: readonly unknown[] = this.#guards.getGlobalMetadata(contextId, id);
    return guards.filter((guard) => !(isOwnGuard(guard) && isOpened(guard, method, global)));
  }

  /** Whether any pipes stand before all arguments of a handler. */
  hasPipes({ handler, host }: DiscoveredMethod): boolean {
    const { config } = this;
    if (config.getGlobalPipes().length + config.getGlobalRequestPipes().length > 0) return true;
    return [host.class, handler].some((it) => Reflect.hasMetadata(PIPES_METADATA, it));
  }

  /** Whether guards will stand before a handler, as far as that can be told without an instance. */
  hasGuards(method: DiscoveredMethod): boolean {
    const { handler, host } = method;
    if (this.#isProtected(method)) return true;
    const { config } = this;
    if (config.getGlobalGuards().length + config.getGlobalRequestGuards().length > 0) return true;
    return [host.class, handler].some((it) => Reflect.hasMetadata(GUARDS_METADATA, it));
  }

  #isProtected({ handler, host }: DiscoveredMethod): boolean {
    return this.options.auth.protectByDefault && !isPublic(handler) && !isPublic(host.class);
  }

  /** The filters of a handler, in the order they are asked. */
  filters(method: DiscoveredMethod, instance: object, contextId: ContextId): BoundFilter[] {
    const { handler, host } = method;
    const { id } = host.wrapper;
    return this.#filters.createFilters(instance, handler, host.moduleKey, contextId, id);
  }

  /**
   * Nest leaves out, without a word, an enhancer it has no instance of. A guard that doesn't run is
   * an open door: the start fails instead.
   *
   * @throws Error that names the class and what to do.
   */
  assertComplete(method: DiscoveredMethod, parameterPipes: readonly unknown[]): void {
    const { host, title } = method;
    for (const [enhancer, run] of givenEnhancers(method, parameterPipes)) {
      if (typeof enhancer !== 'function' || isMade(enhancer, run, host)) continue;
      throw new Error(
        `${enhancer.name} on ${title} would not run: Nest makes it only for a controller, or a provider given as a class. Provide ${host.class.name} so, or give the decorator an instance.`,
      );
    }
    this.#assertScoped(method);
  }

  #assertScoped({ host, title }: DiscoveredMethod): void {
    // A value can't be made anew for each call, whatever Nest noted.
    const isValue = host.wrapper.isNotMetatype && !host.wrapper.isFactory;
    const known = new Set(isValue ? [] : host.wrapper.getEnhancersMetadata());
    for (const wrapper of this.#scopedEnhancers()) {
      if (known.has(wrapper)) continue;
      throw new Error(
        `${wrapper.metatype?.name ?? wrapper.name} is of request or transient scope and would not run on ${title}: Nest makes it only for a controller, or a provider given as a class. Provide ${host.class.name} so.`,
      );
    }
  }

  #scopedEnhancers(): InstanceWrapper[] {
    return [
      ...this.config.getGlobalRequestGuards(),
      ...this.config.getGlobalRequestInterceptors(),
      ...this.config.getGlobalRequestPipes(),
      ...this.config.getGlobalRequestFilters(),
    ];
  }
}

const KINDS = [
  [GUARDS_METADATA, 'canActivate'],
  [INTERCEPTORS_METADATA, 'intercept'],
  [EXCEPTION_FILTERS_METADATA, 'catch'],
  [PIPES_METADATA, 'transform'],
] as const;

/** What the decorators of a method were given, with the name of the method that Nest calls on it. */
function* givenEnhancers(
  { handler, host }: DiscoveredMethod,
  parameterPipes: readonly unknown[],
): Generator<[enhancer: unknown, run: string]> {
  for (const [key, run] of KINDS) {
    for (const target of [host.class, handler]) {
      const given = (Reflect.getMetadata(key, target) ?? []) as unknown[];
      for (const enhancer of given) yield [enhancer, run];
    }
  }
  for (const pipe of parameterPipes) yield [pipe, 'transform'];
}

/**
 * Whether `@Public()` stands nearer to the method than a guard does. One on the same level is not
 * nearer: it opens what stands further out, and the guard protects.
 */
function isOpened(
  guard: CanActivate,
  { handler, host }: DiscoveredMethod,
  global: readonly unknown[],
): boolean {
  if (isGuardOf(handler, guard)) return false;
  if (isGuardOf(host.class, guard)) return isPublic(handler);
  return global.includes(guard);
}

/** `@UseGuards()` takes classes and instances. */
function isGuardOf(target: object, guard: CanActivate): boolean {
  const given = (Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as unknown[];
  return given.includes(guard) || given.includes(guard.constructor);
}

/** A class is made once for its module; one with a static method needs no instance. */
function isMade(enhancer: object, run: string, { moduleRef }: MethodHost): boolean {
  if (typeof Reflect.get(enhancer, run) === 'function') return true;
  return moduleRef.injectables.has(enhancer as Type);
}
