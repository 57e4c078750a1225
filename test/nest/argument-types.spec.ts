import {
  Controller,
  Injectable,
  ParseArrayPipe,
  type PipeTransform,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { IsInt, Min } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Arg, Serializable, StreamingMethod } from '../../lib/index.js';
import { failure, startApp } from './app.js';

@Serializable('argument-types.Order')
class Order {
  @IsInt()
  @Min(1)
  quantity = 1;
}

@Serializable('argument-types.RushOrder')
class RushOrder extends Order {
  @Min(1)
  hours = 2;
}

@Serializable('argument-types.Invoice')
class Invoice {
  @IsInt()
  quantity = 1;
}

/** Not registered. */
class Note {
  @IsInt()
  length = 0;
}

/** Makes an Order of its number. */
@Injectable()
class OrderPipe implements PipeTransform {
  transform(value: unknown) {
    return { ordered: value };
  }
}

function told(value: unknown): unknown {
  return value instanceof Object ? value.constructor.name : value;
}

@Controller()
class ShopController {
  readonly taken: unknown[] = [];

  #take(value: unknown): unknown {
    this.taken.push(value);
    return told(value);
  }

  @StreamingMethod()
  async order(order: Order) {
    return this.#take(order);
  }

  @StreamingMethod()
  async later(order: Order = new RushOrder()) {
    return this.#take(order);
  }

  @StreamingMethod()
  async note(note: Note) {
    return this.#take(note);
  }

  @StreamingMethod()
  async list(orders: Order[]) {
    return this.#take(orders);
  }

  @StreamingMethod()
  async each(@Arg(new ParseArrayPipe({ items: Order })) orders: Order[]) {
    return orders.map(told);
  }

  @StreamingMethod()
  async prices(prices: Map<string, number>) {
    return this.#take(prices);
  }

  @StreamingMethod()
  async names(names: Set<string>) {
    return this.#take(names);
  }

  @StreamingMethod()
  async raw(bytes: Buffer) {
    return this.#take(bytes);
  }

  @StreamingMethod()
  async anything(value: unknown) {
    return this.#take(value);
  }

  @StreamingMethod()
  async made(@Arg(OrderPipe) order: Order) {
    return this.#take(order);
  }
}

@Controller()
@UsePipes(new ValidationPipe({ transform: true }))
class PipedController {
  @StreamingMethod()
  async order(order: Order) {
    return told(order);
  }

  @StreamingMethod()
  async note(note: Note) {
    return told(note);
  }

  @StreamingMethod()
  async perhaps(@Arg({ optional: true }) note?: Note) {
    return told(note);
  }
}

@Controller()
@UsePipes({ transform: (value: unknown) => value })
class PassedController {
  @StreamingMethod()
  async order(order: Order) {
    return told(order);
  }
}

/** Without `transform` this pipe gives a plain object back. */
@Controller()
@UsePipes(new ValidationPipe({ whitelist: true }))
class StrippedController {
  @StreamingMethod()
  async order(order: Order) {
    return order;
  }
}

/** Whatever the types say. */
type Loose<T> = { [K in keyof T]: (...args: unknown[]) => Promise<unknown> };

interface Client {
  shop: Loose<ShopController>;
  piped: Loose<PipedController>;
  passed: Loose<PassedController>;
  stripped: Loose<StrippedController>;
}

const NO_OBJECT = ['x', '', 5, 0, true, false, 7n];
const OTHER = [
  [{ quantity: 2 }],
  new Map([['quantity', 2]]),
  new Set([1]),
  new Date(0),
  new Uint8Array(2),
  new Invoice(),
];

async function start() {
  const controllers = [ShopController, PipedController, PassedController, StrippedController];
  const { app, connect } = await startApp({ controllers });
  const models = [Order, RushOrder, Invoice];
  const client = connect<Client>({ models });
  return { client, connect, taken: app.get(ShopController).taken };
}

function mustBe(what: string) {
  return {
    code: 'invalid-argument',
    message: `argument 1 must be ${what}.`,
    data: [{ property: 'argument 1', constraints: { type: `must be ${what}` } }],
  };
}

describe('An argument that is declared as a model', () => {
  it('is refused for what is no instance of it, and no handler starts', async () => {
    const { client, taken } = await start();
    for (const value of [...NO_OBJECT, ...OTHER]) {
      expect(await failure(client.shop.order(value))).toMatchObject(mustBe('Order'));
      expect(await failure(client.shop.later(value))).toMatchObject(mustBe('Order'));
      expect(await failure(client.passed.order(value))).toMatchObject({ code: 'invalid-argument' });
    }
    expect(taken).toEqual([]);
  });

  it('is refused for what MessagePack carries, too', async () => {
    const { connect } = await start();
    const client = connect<Client>({ codec: 'msgpack', models: [Order, Invoice] });
    for (const value of [...NO_OBJECT, ...OTHER]) {
      expect(await failure(client.shop.order(value))).toMatchObject(mustBe('Order'));
    }
  });

  it('takes instances, those of subclasses, plain objects, and null where it may be left out', async () => {
    const { client } = await start();
    expect(await client.shop.order(new Order())).toBe('Order');
    expect(await client.shop.order(new RushOrder())).toBe('RushOrder');
    expect(await client.shop.order({ quantity: 3 })).toBe('Order');
    expect(await failure(client.shop.order(null))).toMatchObject(mustBe('Order'));
    expect(await client.shop.later(null)).toBeNull();
    const error = await failure(client.shop.order({ quantity: -9 }));
    expect(error).toMatchObject({ code: 'invalid-argument', data: [{ property: 'quantity' }] });
  });

  it('is missing when it is undefined, unless it has a default value', async () => {
    const { client, taken } = await start();
    const missing = {
      code: 'invalid-argument',
      data: [{ constraints: { required: 'is missing' } }],
    };
    for (const name of ['order', 'note', 'list', 'prices', 'raw'] as const) {
      expect(await failure(client.shop[name](undefined))).toMatchObject(missing);
    }
    expect(taken).toEqual([]);
    expect(await client.shop.later(undefined)).toBe('RushOrder');
    expect(await client.shop.anything(undefined)).toBeUndefined();
  });

  it('may become something else by a pipe of its own, not by one of all arguments', async () => {
    const { client } = await start();
    expect(await client.shop.made(5)).toBe('Object');
    expect(await client.piped.order({ quantity: 2 })).toBe('Order');
    expect(await client.stripped.order({ quantity: 2, other: 3 })).toEqual({ quantity: 2 });
    expect(await failure(client.piped.order(5))).toMatchObject(mustBe('Order'));
    expect(await failure(client.passed.order([{ quantity: 2 }]))).toMatchObject(mustBe('Order'));
  });
});

describe('An argument that may be left out', () => {
  it('is nothing then, whatever the pipes of all arguments would make of it', async () => {
    const { client } = await start();
    expect(await client.piped.perhaps()).toBeUndefined();
    expect(await client.piped.perhaps(undefined)).toBeUndefined();
    expect(await client.piped.perhaps(null)).toBeNull();
    for (const sent of [[], [undefined]]) {
      expect(await failure(client.piped.note(...sent))).toMatchObject({
        data: [{ constraints: { required: 'is missing' } }],
      });
    }
  });
});

describe('An argument that is declared as another class', () => {
  it('takes plain objects, which a pipe may make instances', async () => {
    const { client } = await start();
    expect(await client.shop.note({ length: 1 })).toBe('Object');
    expect(await client.piped.note({ length: 1 })).toBe('Note');
    expect(await client.piped.perhaps({ length: 1 })).toBe('Note');
    expect(await failure(client.piped.perhaps({ length: '1' }))).toMatchObject({
      code: 'invalid-argument',
    });
    expect(await failure(client.shop.note(null))).toMatchObject(mustBe('Note or a plain object'));
  });

  it('is refused for anything else', async () => {
    const { client, taken } = await start();
    for (const value of [...NO_OBJECT, ...OTHER]) {
      expect(await failure(client.shop.note(value))).toMatchObject(
        mustBe('Note or a plain object'),
      );
    }
    expect(taken).toEqual([]);
  });
});

describe('An argument that is declared as a collection', () => {
  it('is refused for what is none, whatever stands in it', async () => {
    const { client } = await start();
    const none = { quantity: 2 };
    for (const value of ['x', none, new Set([1])]) {
      expect(await failure(client.shop.list(value))).toMatchObject(mustBe('an array'));
    }
    expect(await failure(client.shop.prices([1]))).toMatchObject(mustBe('a Map'));
    expect(await failure(client.shop.names([1]))).toMatchObject(mustBe('a Set'));
    expect(await client.shop.list(['x'])).toBe('Array');
    expect(await client.shop.prices(new Map())).toBe('Map');
    expect(await client.shop.names(new Set())).toBe('Set');
  });

  it('has elements that ParseArrayPipe tests', async () => {
    const { client } = await start();
    expect(await client.shop.each([{ quantity: 2 }])).toEqual(['Order']);
    const error = await failure(client.shop.each([{ quantity: -9 }]));
    expect(error).toMatchObject({ code: 'invalid-argument' });
  });

  it('takes anything where a class of the platform tells nothing', async () => {
    const { client } = await start();
    expect(await client.shop.raw(new Uint8Array(2))).toBe('Uint8Array');
  });
});
