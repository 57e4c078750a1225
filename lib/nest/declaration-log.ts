import { Inject, Injectable, Logger } from '@nestjs/common';
import { ArrivingModels } from '../model/arriving-models.js';
import { type ModelClass, ModelRegistry } from '../model/registry.js';
import { isOwnClass } from './element-type.js';
import { EnhancerFactory } from './enhancers.js';
import type { DiscoveredMethod } from './method-explorer.js';
import { type Parameter, type ParameterList, TYPE_IMPORT } from './parameter.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './streaming-options.js';

/** Tells at the start, in Nest's log under `Streaming`, of what is declared and not enforced. */
@Injectable()
export class DeclarationLog {
  private readonly logger = new Logger('Streaming');
  /** The first of the methods without metadata, and how many there are. */
  #firstUntyped: string | undefined;
  #untyped = 0;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly models: ModelRegistry,
    private readonly arrivals: ArrivingModels,
    private readonly enhancers: EnhancerFactory,
  ) {}

  /** Looks at what a method is declared to take. */
  look(method: DiscoveredMethod, { parameters, hasMetadata }: ParameterList): void {
    if (!hasMetadata && parameters.some(goesByType)) {
      this.#firstUntyped ??= method.title;
      this.#untyped++;
    }
    const hasPipes = this.enhancers.hasPipes(method);
    for (const parameter of parameters) {
      if (parameter.kind !== 'argument' || decidesItself(parameter)) continue;
      const where = `${method.title}, parameter ${parameter.index + 1},`;
      if (parameter.metatype === Function) this.#isFunction(where);
      if (!hasPipes) this.#lookForRules(where, parameter);
    }
  }

  /** Tells of the methods without metadata seen so far, in one line: it is one mistake. */
  tellUntyped(): void {
    if (this.#firstUntyped === undefined) return;
    const others = this.#untyped === 1 ? '' : ` and ${this.#untyped - 1} more`;
    this.logger.warn(
      `${this.#firstUntyped}${others}: compiled without decorator metadata, so the types of the parameters are not known here, and not enforced. Set emitDecoratorMetadata in tsconfig.json, and for swc decoratorMetadata; esbuild and tsx write none.`,
    );
  }

  #isFunction(where: string): void {
    this.logger.warn(
      `${where} is declared as Function, which no client can send: nothing checks it.${TYPE_IMPORT}`,
    );
  }

  #lookForRules(where: string, { metatype }: Parameter): void {
    if (this.options.validation === false || !isOwnClass(metatype)) return;
    const type = metatype as ModelClass;
    if (this.models.has(type) || !this.arrivals.hasRules(type)) return;
    this.logger.warn(
      `${where} is ${type.name}, which has class-validator rules and isn't @Serializable(): nothing checks it. Add @Serializable() or a ValidationPipe.`,
    );
  }
}

function decidesItself({ pipes, schema }: Parameter): boolean {
  return pipes.length > 0 || schema !== undefined;
}

function goesByType(parameter: Parameter): boolean {
  const isSent = parameter.kind === 'argument' || parameter.kind === 'input';
  return isSent && parameter.schema === undefined;
}
