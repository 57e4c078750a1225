import { type ClassTransformOptions, Expose, TransformationType } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { type Generate, generateCode } from './generated-code.js';
import { Inbound } from './inbound.js';
import { type Direction, MetadataReader } from './metadata-reader.js';
import type { ModelCompiler } from './model-compiler.js';
import { Outbound } from './outbound.js';
import { SharedFields } from './shared-fields.js';

/** class-transformer's options, but those that make no sense for what crosses the wire. */
export type TransformOptions = Omit<
  ClassTransformOptions,
  'enableCircularCheck' | 'ignoreDecorators' | 'targetMaps'
>;

/** class-transformer's own; `@Transform()` functions are given them. */
const DEFAULTS: ClassTransformOptions = {
  enableCircularCheck: false,
  enableImplicitConversion: false,
  excludeExtraneousValues: false,
  exposeDefaultValues: false,
  exposeUnsetFields: true,
  ignoreDecorators: false,
};

/**
 * Gives models the meaning that class-transformer's decorators have: each class is compiled when
 * it first crosses the wire, so its decorators must have run by then.
 *
 * @throws TypeError when class-transformer's metadata can't be read, or for an option that is not
 * supported.
 */
export function classTransformer(
  options: TransformOptions = {},
  generate: Generate = generateCode,
): ModelCompiler {
  checkOptions(options);
  checkStorage();
  const all = { ...DEFAULTS, ...options };
  return (models) => {
    const inbound = new Inbound(createReader(all, TransformationType.PLAIN_TO_CLASS), generate);
    const outward = createReader(all, TransformationType.CLASS_TO_PLAIN);
    const outbound = new Outbound(outward, models);
    const shared = new SharedFields(outward, models);
    return (model) => ({
      toFields: outbound.compile(model),
      fromFields: inbound.compile(model),
      fromValues: inbound.compilePlaces(model),
      isDataOnly: shared.compile(model),
    });
  };
}

function createReader(options: ClassTransformOptions, direction: Direction): MetadataReader {
  return new MetadataReader(defaultMetadataStorage, options, direction);
}

const UNSUPPORTED = ['enableCircularCheck', 'ignoreDecorators', 'targetMaps'];

function checkOptions(options: object): void {
  const name = UNSUPPORTED.find((it) => it in options);
  if (name === undefined) return;
  throw new TypeError(`The option ${name} of class-transformer is not supported for models.`);
}

/** A bundler may load class-transformer's other build beside the one the storage belongs to. */
function checkStorage(): void {
  class Probe {}
  Expose()(Probe);
  if (defaultMetadataStorage.getStrategy(Probe) !== 'exposeAll') {
    throw new TypeError(
      'class-transformer is loaded twice, so its decorators are not seen: load class-transformer and class-transformer/cjs/storage.js from one build.',
    );
  }
  defaultMetadataStorage['_exposeMetadatas'].delete(Probe);
}
