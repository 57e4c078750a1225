import type { PipeTransform } from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';
import { Arg, type StandardSchema, StreamingMethod, StreamParam } from '../../lib/index.js';
import type { SchemaInput, SchemaOutput } from '../../lib/nest/standard-schema.js';
import type { Any, Equal, Expect } from './expect.js';

const Tick = z.object({ at: z.number(), label: z.string().optional() });
const Length = z.string().transform((text) => text.length);
const Point = v.object({ x: v.number() });

declare const pipe: PipeTransform;
declare const anything: StandardSchema;

type Tick = z.infer<typeof Tick>;

export type OfASchema = [
  Expect<Equal<SchemaInput<typeof Length>, string>>,
  Expect<Equal<SchemaOutput<typeof Length>, number>>,
  Expect<Equal<SchemaOutput<typeof Point>, { x: number }>>,
  Expect<Equal<SchemaOutput<StandardSchema>, unknown>>,
];

/** Outputs that a schema takes. */
export class Outputs {
  @StreamingMethod({ yields: Tick, overflow: 'latest' })
  async *generator() {
    yield { at: 1 };
  }

  @StreamingMethod({ yields: Tick })
  iterable(): AsyncIterable<Tick> {
    return new ReadableStream<Tick>();
  }

  @StreamingMethod({ yields: Point })
  async stream(): Promise<ReadableStream<{ x: number; secret: string }>> {
    return new ReadableStream();
  }

  @StreamingMethod({ yields: Point })
  observable(): Observable<{ x: number }> {
    return of({ x: 1 });
  }

  @StreamingMethod({ yields: Tick })
  async value(): Promise<Tick | undefined> {
    return undefined;
  }

  @StreamingMethod({ yields: Length })
  async *transformed() {
    yield 'abc';
  }

  @StreamingMethod({ yields: Tick })
  nothing(): void {}

  @StreamingMethod({ yields: Tick })
  untyped(): Any {}

  @StreamingMethod({ yields: anything })
  async *anything() {
    yield Symbol.iterator;
  }
}

/** Outputs that a schema doesn't take. */
export class OtherOutputs {
  // @ts-expect-error another type of a field
  @StreamingMethod({ yields: Tick })
  async *field() {
    yield { at: 'now' };
  }

  // @ts-expect-error a field is missing
  @StreamingMethod({ yields: Tick })
  async *missing() {
    yield { label: 'now' };
  }

  // @ts-expect-error one of two types
  @StreamingMethod({ yields: Tick })
  async *union() {
    yield { at: 1 };
    yield 'two';
  }

  // @ts-expect-error what the schema makes, not what it takes
  @StreamingMethod({ yields: Length })
  async *made() {
    yield 3;
  }

  // @ts-expect-error another value
  @StreamingMethod({ yields: Point })
  async value() {
    return { y: 1 };
  }

  // @ts-expect-error an option that there is not
  @StreamingMethod({ yields: Tick, overflow: 'all' })
  async *overflow() {
    yield { at: 1 };
  }
}

/** Parameters that take what a schema makes. */
export class Inputs {
  @StreamingMethod()
  streams(
    @StreamParam({ schema: Tick }) _a: AsyncIterable<Tick>,
    @StreamParam({ schema: Tick }) _b: Observable<{ at: number }>,
    @StreamParam({ schema: Length }) _c: ReadableStream<number>,
    @StreamParam({ schema: Tick }) _d: AsyncIterable<unknown>,
    @StreamParam({ schema: Tick }) _e: Any,
    @StreamParam({ schema: Tick, pipes: [pipe] }) _f: AsyncIterable<string>,
    @StreamParam({ schema: Point }) _g?: AsyncIterable<{ x: number }>,
    @StreamParam({ schema: Point })
    ..._rest: AsyncIterable<{ x: number }>[]
  ): void {}

  @StreamingMethod()
  values(
    @Arg({ schema: Tick }) _a: Tick,
    @Arg({ schema: Length }) _b: number,
    @Arg({ schema: Tick }) _c: unknown,
    @Arg({ schema: Length, pipes: [pipe] }) _d: Date,
    @Arg(pipe) _e: Date,
    @Arg({ schema: z.string().optional() }) _f?: string,
  ): void {}
}

/** Parameters that don't. */
export class OtherInputs {
  @StreamingMethod()
  streams(
    // @ts-expect-error another type of a field
    @StreamParam({ schema: Tick }) _a: AsyncIterable<{ at: string }>,
    // @ts-expect-error what the schema takes, not what it makes
    @StreamParam({ schema: Length }) _b: Observable<string>,
    // @ts-expect-error a field may be missing
    @StreamParam({ schema: Tick }) _c: ReadableStream<{ label: string }>,
    // @ts-expect-error no stream
    @StreamParam({ schema: Tick }) _d: Tick[],
  ): void {}

  @StreamingMethod()
  values(
    // @ts-expect-error another type of a field
    @Arg({ schema: Point }) _a: { x: string },
    // @ts-expect-error it may be left out
    @Arg({ schema: z.string().optional() }) _b: string,
    // @ts-expect-error a schema is no option
    @StreamParam(Tick) _c: AsyncIterable<Tick>,
  ): void {}
}
