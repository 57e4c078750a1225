import { Injectable, type Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Module } from '@nestjs/core/injector/module.js';
import {
  endpointName,
  readMethodOptions,
  type StreamingMethodOptions,
} from './method.decorators.js';
import { hasMarkedParameters } from './parameter.js';

/** Where a streaming method lives: one registration of a class in one module. */
export interface MethodHost {
  readonly wrapper: InstanceWrapper;
  readonly moduleRef: Module;
  /** The module's key in the container. */
  readonly moduleKey: string;
  readonly class: Type;
  /** What the methods of its instances are looked up in. */
  readonly prototype: object;
}

/** A decorated method, as the scan of the modules found it. */
export interface DiscoveredMethod {
  readonly host: MethodHost;
  /** The method's name in its class. */
  readonly key: string;
  readonly handler: (...args: unknown[]) => unknown;
  readonly options: StreamingMethodOptions;
  /** What clients call it by. */
  readonly endpoint: string;
  readonly name: string;
  /** `ExampleController.draw`, for sentences. */
  readonly title: string;
}

/** Finds the streaming methods of all controllers and providers. */
@Injectable()
export class MethodExplorer {
  readonly #scanner = new MetadataScanner();

  constructor(private readonly modules: ModulesContainer) {}

  /**
   * What a factory of request scope makes is found only where its class is the token: there is no
   * instance to look into.
   */
  *explore(): Generator<DiscoveredMethod> {
    for (const [moduleKey, moduleRef] of this.modules) {
      for (const wrapper of [...moduleRef.controllers.values(), ...moduleRef.providers.values()]) {
        const prototype = prototypeOf(wrapper);
        if (prototype === undefined) continue;
        const host = {
          wrapper,
          moduleRef,
          moduleKey,
          class: classOf(wrapper, prototype),
          prototype,
        };
        yield* this.#methodsOf(host);
      }
    }
  }

  *#methodsOf(host: MethodHost): Generator<DiscoveredMethod> {
    for (const key of this.#scanner.getAllMethodNames(host.prototype)) {
      const handler = Reflect.get(host.prototype, key) as DiscoveredMethod['handler'];
      const options = readMethodOptions(handler);
      const title = `${host.class.name}.${key}`;
      if (options === undefined) {
        if (hasMarkedParameters(host.prototype, key)) throw new Error(forgotten(title));
        continue;
      }
      const endpoint = endpointName(host.class);
      yield { host, key, handler, options, endpoint, name: options.name ?? key, title };
    }
  }
}

function forgotten(title: string): string {
  return `${title} has parameters of a streaming method and is none: give it @StreamingMethod().`;
}

function prototypeOf(wrapper: InstanceWrapper): object | undefined {
  // What useExisting stands for is found where it is provided.
  if (wrapper.isAlias) return undefined;
  const metatype = wrapper.isNotMetatype ? undefined : wrapper.metatype;
  if (metatype) return metatype.prototype ?? undefined;
  const instance: unknown = wrapper.instance;
  if (typeof instance === 'object' && instance !== null) return Object.getPrototypeOf(instance);
  // A factory of request scope has made none yet: then its token says what it makes, or nothing.
  return typeof wrapper.token === 'function' ? wrapper.token.prototype : undefined;
}

function classOf(wrapper: InstanceWrapper, prototype: object): Type {
  if (!wrapper.isNotMetatype && wrapper.metatype) return wrapper.metatype as Type;
  return prototype.constructor as Type;
}
