import { instanceToPlain, plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { ArrivingModels } from '../../dist/esm/model/arriving-models.js';
import { classTransformer } from '../../dist/esm/model/class-transformer.js';
import { ModelRegistry } from '../../dist/esm/model/registry.js';
import { createDecoder, createEncoder } from '../../dist/esm/protocol/create-codec.js';

/** The whole path of a batch of instances: to the bytes of messages, and from them. */

/** A message for each instance, as a gateway with class-transformer and a validation pipe does. */
export function createPlainPath() {
  return {
    name: 'class-transformer',
    encode: (instances) =>
      instances.map((it) => Buffer.from(JSON.stringify(instanceToPlain(it)), 'utf8')),
    decode: (messages, model) => messages.map((it) => revive(model, it)),
  };
}

function revive(model, message) {
  const instance = plainToInstance(model, JSON.parse(message.toString('utf8')));
  if (validateSync(instance).length > 0) throw new Error('not valid');
  return instance;
}

const LIMITS = { depth: 64, types: 1024 };
const FIRST_ITEM = 3;

/** A connection's encoder and decoder; each batch is what one turn of a stream gathers. */
export function createStreamPath(codec, classes) {
  const models = new ModelRegistry(classes, new ArrivingModels().checked(classTransformer()));
  const encoder = createEncoder(codec, models, LIMITS);
  const decoder = createDecoder(codec, models, LIMITS);
  const isText = codec === 'json';
  return {
    name: `ours, ${codec}`,
    codec,
    encode: (instances) => {
      for (const instance of instances) encoder.item(1, instance);
      const message = encoder.take();
      return isText ? Buffer.from(message, 'utf8') : message;
    },
    decode: (message) => {
      let items = [];
      decoder.decode(isText ? message.toString('utf8') : message, (frame, problem) => {
        if (problem !== undefined) throw problem;
        items = frame.slice(FIRST_ITEM);
      });
      return items;
    },
  };
}
