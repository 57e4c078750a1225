import { instanceToPlain, plainToInstance } from 'class-transformer';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { StreamError } from '../protocol/stream-error.js';
import { classTransformer, type TransformOptions } from './class-transformer.js';
import { type Generate, generateCode, neverGenerate } from './generated-code.js';
import { type GeneratedClasses, generatedClasses } from './spec/generated-classes.js';

const seed = fc.array(fc.nat(1000), { minLength: 6, maxLength: 24 });

const options: fc.Arbitrary<TransformOptions> = fc.record(
  {
    strategy: fc.constantFrom('excludeAll', 'exposeAll'),
    excludeExtraneousValues: fc.boolean(),
    excludePrefixes: fc.constantFrom(['_'], ['_', 'e']),
    groups: fc.constantFrom([], ['staff'], ['public', 'other']),
    version: fc.constantFrom(0.5, 1, 2, 4),
    exposeUnsetFields: fc.boolean(),
    exposeDefaultValues: fc.boolean(),
    enableImplicitConversion: fc.boolean(),
  },
  { requiredKeys: [] },
);
const oftenNone = fc.oneof(fc.constant({}), options);

const RUNS = { numRuns: 2500 };

/** Thousands of cases take a second, and longer where others use the machine. */
vi.setConfig({ testTimeout: 30_000 });

function compile({ model }: GeneratedClasses, chosen: TransformOptions, generate?: Generate) {
  return classTransformer(chosen, generate)({ isRegistered: () => false })(model);
}

describe('a compiled model', () => {
  it('makes the instances that plainToInstance makes, of whatever fields', () => {
    fc.assert(
      fc.property(generatedClasses, oftenNone, seed, (classes, chosen, numbers) => {
        const { fromFields } = compile(classes, chosen);
        const wanted = attempt(() =>
          plainToInstance(classes.model, classes.value('fields', numbers), chosen),
        );
        const made = attempt(() => fromFields(classes.value('fields', numbers)));
        if (made.error !== undefined && !(made.error instanceof StreamError)) throw made.error;
        hold(made, wanted);
      }),
      RUNS,
    );
  });

  it.each([
    ['code that was generated', generateCode],
    ['none, where that is forbidden', neverGenerate],
  ])('makes the same instances of the values alone, with %s', (_, generate) => {
    fc.assert(
      fc.property(generatedClasses, oftenNone, seed, (classes, chosen, numbers) => {
        const { fromFields, fromValues } = compile(classes, chosen, generate);
        const names = Object.keys(classes.value('fields', numbers) as object).filter(isAllowed);
        const fields = () => {
          const all = classes.value('fields', numbers) as Record<string, unknown>;
          return Object.fromEntries(names.map((name) => [name, all[name]]));
        };
        const made = attempt(() => fromValues?.(names)(valuesOf(fields(), names)));
        const wanted = attempt(() => fromFields(fields()));
        expect(made.error).toEqual(wanted.error);
        expect(made.value).toStrictEqual(wanted.value);
      }),
      RUNS,
    );
  });

  it('leaves with the fields that instanceToPlain gives', () => {
    fc.assert(
      fc.property(generatedClasses, oftenNone, seed, (classes, chosen, numbers) => {
        const { toFields } = compile(classes, chosen);
        hold(
          attempt(() => toPlain({ ...toFields(classes.value('instance', numbers)) })),
          attempt(() => instanceToPlain(classes.value('instance', numbers), chosen)),
        );
      }),
      RUNS,
    );
  });

  it('arrives as plainToInstance makes it of what instanceToPlain made', () => {
    fc.assert(
      fc.property(generatedClasses, oftenNone, seed, (classes, chosen, numbers) => {
        const { toFields, fromFields } = compile(classes, chosen);
        const wanted = attempt(() => {
          const plain = instanceToPlain(classes.value('instance', numbers), chosen);
          return plainToInstance(classes.model, plain, chosen);
        });
        hold(
          attempt(() => fromFields(toFields(classes.value('instance', numbers)))),
          wanted,
        );
      }),
      RUNS,
    );
  });
});

const isAllowed = (name: string) => !['__proto__', 'constructor', 'prototype'].includes(name);

function valuesOf(fields: Record<string, unknown>, names: readonly string[]): unknown[] {
  return names.map((name) => fields[name]);
}

/** What class-transformer makes of a Map and a Set; we leave them to the codecs. */
function toPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Set || Array.isArray(value)) return [...value].map(toPlain);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, it]) => [key, toPlain(it)]));
}

interface Attempt {
  readonly value?: unknown;
  readonly error?: unknown;
}

function attempt(action: () => unknown): Attempt {
  try {
    return { value: action() };
  } catch (error) {
    return { error };
  }
}

/** Where class-transformer can't, we may. */
function hold(made: Attempt, wanted: Attempt): void {
  if (wanted.error !== undefined) return;
  if (made.error !== undefined) throw made.error;
  expect(made.value).toStrictEqual(wanted.value);
}
