import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEncoder } from '../protocol/create-codec.js';
import { takeSnapshot } from '../protocol/snapshot.js';
import { classTransformer, type TransformOptions } from './class-transformer.js';
import { type ModelClass, ModelRegistry } from './registry.js';
import { generatedClasses } from './spec/generated-classes.js';

class Child {
  name = 'child';
}

class Stranger {
  name = 'stranger';
}

/** Whether an instance with these fields can be encoded once for many streams. */
function isShared(model: ModelClass, fields: object = {}, options: TransformOptions = {}): boolean {
  const models = new ModelRegistry([model, Child], classTransformer(options));
  return takeSnapshot(Object.assign(new model(), fields), models) !== undefined;
}

class Plain {
  text = 'text';
  child = new Child();
}

class Decorated {
  @Exclude() password = 'secret';
  @Expose({ name: 'title' }) text = 'text';
  @Type(() => Date) when = new Date(0);
  @Type(() => Child) child: unknown = new Child();
  @Type(() => Child) children: unknown = [new Child()];
}

class ExposedGetter {
  #reads = 0;

  @Expose() get reads(): number {
    return ++this.#reads;
  }
}

class Transformed {
  @Transform(() => Math.random()) random = 0;
}

class TransformedElsewhere {
  @Transform(({ value }) => value, { toClassOnly: true }) text = 'text';
}

class Looking {
  @Type((options) => (options?.object['big'] ? Stranger : Child)) child = new Child();
}

class Discriminated {
  @Type(() => Child, {
    discriminator: { property: 'kind', subTypes: [{ name: 'child', value: Child }] },
  })
  child = new Child();
}

@Exclude()
class Closed {
  hidden = 'hidden';
  @Expose() shown = 'shown';
}

describe('an instance that goes to many streams', () => {
  it.each<[what: string, model: ModelClass, fields?: object]>([
    ['is its fields', Plain],
    ['has fields that are hidden, renamed or of a declared class', Decorated],
    ['lacks some of them', Decorated, { when: undefined, child: null, children: undefined }],
    ['has a plain list where a class is declared', Decorated, { children: [1, 'two', null] }],
    ['is transformed only where it arrives', TransformedElsewhere],
    ['hides what is not exposed', Closed],
  ])('is encoded once when it %s', (_, model, fields) => {
    expect(isShared(model, fields)).toBe(true);
  });

  it.each<[what: string, model: ModelClass, fields?: object]>([
    ['has a getter that is exposed', ExposedGetter],
    ['is transformed', Transformed],
    ['has a class that is chosen by the object', Looking],
    ['has a discriminator', Discriminated],
    ['has an object where a class is declared', Decorated, { child: { name: 'plain' } }],
    ['has one of another class there', Decorated, { children: [new Plain()] }],
    ['has an instance of a class that is not registered', Plain, { child: new Stranger() }],
    ['has a map', Plain, { child: new Map() }],
    ['has a function', Plain, { child: () => 1 }],
  ])('is encoded each time when it %s', (_, model, fields) => {
    expect(isShared(model, fields)).toBe(false);
  });

  it('is sent as it is now, whatever its class does with it', () => {
    const numbers = fc.array(fc.nat(1000), { minLength: 6, maxLength: 12 });
    fc.assert(
      fc.property(generatedClasses, numbers, numbers, (classes, before, after) => {
        const models = new ModelRegistry([classes.model], classTransformer());
        const alone = new ModelRegistry([classes.model], classTransformer());
        const item = classes.value('instance', before);
        models.share(item);
        for (const seed of [before, before, after, after]) {
          assign(item, classes.value('instance', seed));
          for (const codec of ['json', 'msgpack'] as const) {
            expect(encode(models, codec, item)).toEqual(encode(alone, codec, item));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** Makes an object's own fields those of another. */
function assign(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const key of Object.keys(target)) delete target[key];
  Object.defineProperties(target, Object.getOwnPropertyDescriptors(source));
}

/** What a new connection sends, or why it can't. */
function encode(models: ModelRegistry, codec: 'json' | 'msgpack', item: object): unknown {
  const encoder = createEncoder(codec, models, { depth: 64, types: 100 });
  try {
    encoder.item(1, item);
    return encoder.take();
  } catch (error) {
    return String(error);
  }
}
