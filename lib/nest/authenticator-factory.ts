import { Inject, Injectable, type Type } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { UnknownDependenciesException } from '@nestjs/core/errors/exceptions/unknown-dependencies.exception.js';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Module } from '@nestjs/core/injector/module.js';
import { Authenticator } from '../auth/authenticator.js';
import type { AuthenticatorOption } from './auth-options.js';

/** Where a class is provided. */
interface Place {
  readonly module: Module;
  readonly wrapper: InstanceWrapper;
}

/**
 * Makes the authenticator from what the options name: an instance, a class that a module of the
 * application provides, or one to make with what the importing module could inject.
 */
@Injectable()
export class AuthenticatorFactory {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** What it gives has no lifecycle hooks where Nest runs those of the instance elsewhere. */
  async provide(given: AuthenticatorOption | undefined): Promise<Authenticator | undefined> {
    if (given === undefined) return undefined;
    if (typeof given !== 'function') return forward(given);
    const wrapper = this.#own?.providers.get(given);
    if (this.#own === undefined || wrapper === undefined) return this.make(given);
    return forward(await this.#load(given, { module: this.#own, wrapper }));
  }

  /** The application's own provider of the class, or one made for this. */
  async make(type: Type<Authenticator>): Promise<Authenticator> {
    const place = this.#findElsewhere(type);
    return place === undefined ? this.#create(type) : forward(await this.#load(type, place));
  }

  /** The module that imports ours is asked for the dependencies first, then ours. */
  async #create(type: Type<Authenticator>): Promise<Authenticator> {
    let missing: unknown;
    for (const place of [...this.#importers(), this.moduleRef]) {
      try {
        return await place.create(type);
      } catch (error) {
        if (!(error instanceof UnknownDependenciesException)) throw error;
        missing ??= error;
      }
    }
    throw missing;
  }

  #findElsewhere(type: Type<Authenticator>): Place | undefined {
    for (const module of this.modules.values()) {
      const wrapper = module === this.#own ? undefined : module.providers.get(type);
      if (wrapper !== undefined) return { module, wrapper };
    }
    return undefined;
  }

  #load(type: Type<Authenticator>, { module, wrapper }: Place): Promise<Authenticator> {
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
      throw new Error(
        `StreamingModule: the authenticator ${type.name} is of request or transient scope, and there is no request when a connection authenticates. Give it, and what it needs, the default scope.`,
      );
    }
    return refOf(module)
      .create(loaderOf(type))
      .then(({ it }) => it);
  }

  #importers(): ModuleRef[] {
    const own = this.#own;
    const all = [...this.modules.values()];
    return all.filter((it) => own !== undefined && it.imports.has(own)).map(refOf);
  }

  get #own(): Module | undefined {
    return [...this.modules.values()].find((it) => it.providers.has(AuthenticatorFactory));
  }
}

function forward(to: Authenticator): Authenticator {
  return { authenticate: (credentials, request) => to.authenticate(credentials, request) };
}

function refOf(module: Module): ModuleRef {
  return module.getProviderByKey<ModuleRef>(ModuleRef).instance;
}

/** Nest waits for what it injects; it doesn't for what it is asked for. */
function loaderOf(type: Type<Authenticator>): Type<{ readonly it: Authenticator }> {
  @Injectable()
  class AuthenticatorLoader {
    constructor(@Inject(type) readonly it: Authenticator) {}
  }
  return AuthenticatorLoader;
}
