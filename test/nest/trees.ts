import { Controller, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { Allow, IsInt, Min, ValidateNested } from 'class-validator';
import {
  Serializable,
  StreamError,
  StreamingException,
  StreamingMethod,
  type StreamingModuleOptions,
  StreamParam,
} from '../../lib/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { startApp } from './app.js';

export enum Size {
  small,
  large,
}

export enum Color {
  red = 'r',
  blue = 'b',
}

@Serializable('CasesLeaf')
export class Leaf {
  @IsInt()
  @Min(0)
  n = 0;

  static of(n: number): Leaf {
    return Object.assign(new Leaf(), { n });
  }
}

@Serializable('CasesGilded')
export class GildedLeaf extends Leaf {
  @Allow()
  gold = true;
}

/** A field of every kind there is; the containers declare what is in them. */
@Serializable('CasesTree')
export class Tree {
  @Type(() => Leaf)
  @ValidateNested()
  leaf: Leaf = Leaf.of(1);

  @Type(() => Leaf)
  @ValidateNested({ each: true })
  leaves: Leaf[] = [Leaf.of(2), Leaf.of(3)];

  @Type(() => Leaf)
  byName = new Map<string, Leaf>([['a', Leaf.of(4)]]);

  @Type(() => Leaf)
  kept = new Set<Leaf>([Leaf.of(5)]);

  @Type(() => Tree)
  child: Tree | null = null;

  @Type(() => Date)
  at = new Date(1_700_000_000_000);

  size = Size.large;
  color = Color.blue;
  optional?: string;
  empty: string | null = null;
  huge = 2n ** 200n;
  negative = -(2n ** 65n);
  bytes = new Uint8Array([0, 127, 128, 255]);
  counts = new Map<string, Set<bigint>>([['b', new Set([1n, -1n])]]);
  numbers = [Number.NaN, Number.NEGATIVE_INFINITY, -0, 1e300];
  odd: unknown = { $: 'd', v: 1, gone: undefined, dates: [new Date(0)] };
}

@Serializable('CasesOwner')
export class Owner {
  name = 'ann';

  @Exclude()
  password = 'hunter2';

  @Exclude({ toPlainOnly: true })
  pin = 'pin-0000';

  @Expose({ name: 'mail_address' })
  mail = 'a@b.c';

  @Expose({ groups: ['staff'] })
  note = 'for staff';

  @Transform(({ value }) => `*${value}*`, { toPlainOnly: true })
  stars = 's';
}

@Serializable('CasesEstate')
export class Estate {
  @Type(() => Owner)
  owners: Owner[] = [new Owner()];

  @Type(() => Owner)
  byName = new Map<string, Owner>([['ann', new Owner()]]);
}

@Serializable('CasesFault')
export class Fault extends StreamingException {
  @Type(() => Leaf)
  where: Leaf | undefined;

  owner: unknown;

  @Exclude()
  secret = 'hunter2';
}

@Serializable('CasesWorse')
export class WorseFault extends Fault {
  degree = 0;

  @Type(() => Estate)
  estate: Estate | undefined;
}

@Serializable('CasesOpaque')
export class Opaque {
  inner: unknown;

  @Expose()
  get computed(): string {
    if (this.inner === 'throw') throw new Error('secret of a getter');
    return 'computed';
  }
}

export const UNSENDABLE: Readonly<Record<string, () => unknown>> = {
  'a model in a cycle': () => {
    const opaque = new Opaque();
    opaque.inner = { opaque };
    return opaque;
  },
  'a model whose getter throws': () => Object.assign(new Opaque(), { inner: 'throw' }),
  'a model with a symbol': () => Object.assign(new Opaque(), { inner: [Symbol('secret')] }),
  'a list with a function': () => [new Opaque(), () => 'secret'],
  'a class nobody registered': () => [new (class Secret {})()],
};

export const MODELS = [Opaque, Leaf, GildedLeaf, Tree, Owner, Estate, Fault, WorseFault];
const passing: NestInterceptor = { intercept: (_, next) => next.handle() };

@Controller()
export class ModelsController {
  seen: unknown[] = [];

  @StreamingMethod()
  async *echo(input: AsyncIterable<unknown>) {
    for await (const item of input) {
      this.seen.push(item);
      yield item;
    }
  }

  @StreamingMethod()
  value(value: unknown) {
    this.seen.push(value);
    return value;
  }

  @StreamingMethod({ yields: () => Leaf })
  async *leaves(@StreamParam(() => Leaf) input: AsyncIterable<Leaf>) {
    for await (const item of input) {
      this.seen.push(item);
      yield item;
    }
  }

  @StreamingMethod()
  async *growing() {
    const tree = Object.assign(new Tree(), { child: new Tree() });
    for (let i = 0; i < 3; i++) yield grown(tree, i);
  }

  @UseInterceptors(passing)
  @StreamingMethod()
  async *growingIntercepted() {
    yield* this.growing();
  }

  @StreamingMethod()
  async *unsendable(what: string) {
    yield 1;
    yield UNSENDABLE[what]?.();
    yield 2;
  }

  @StreamingMethod()
  unsendableValue(what: string) {
    return UNSENDABLE[what]?.();
  }

  @StreamingMethod()
  throws(what: 'fault' | 'worse') {
    const owner = Object.assign(new Owner(), { mail: 'x@y.z' });
    if (what === 'fault') throw Object.assign(new Fault('Broken.', 'unavailable'), { owner });
    const estate = new Estate();
    const where = Object.assign(new GildedLeaf(), { n: 7 });
    throw Object.assign(new WorseFault('Worse.'), { degree: 3, where, estate, owner });
  }

  @StreamingMethod()
  async caught(input: AsyncIterable<unknown>) {
    try {
      for await (const _ of input);
      return [];
    } catch (error) {
      this.seen.push(error);
      return [error instanceof WorseFault, error instanceof Fault, error instanceof StreamError];
    }
  }

  @StreamingMethod()
  estate() {
    return new Estate();
  }
}

/** Changes a tree deep down, and gives it. */
export function grown(tree: Tree, n: number): Tree {
  tree.leaf.n = n;
  tree.leaves[0] = Leaf.of(n);
  tree.counts.get('b')?.add(BigInt(n));
  if (tree.child !== null) tree.child.leaf.n = 10 * n;
  return tree;
}

/** The numbers of a tree that `grown` changed. */
export function rings(tree: unknown): unknown[] {
  const { leaf, leaves, counts, child } = tree as Tree;
  return [leaf.n, leaves[0]?.n, counts.get('b')?.size, child?.leaf.n];
}

export const RINGS = [0, 1, 2].map((n) => [n, n, n === 0 ? 3 : n + 2, 10 * n]);

export async function start(codec: CodecName, options: StreamingModuleOptions = {}) {
  const running = await startApp({ controllers: [ModelsController], options });
  const client = running.connect<{ models: ModelsController }>({ codec, models: MODELS });
  return { ...running, models: client.models, controller: running.app.get(ModelsController) };
}

export async function* of<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
