import { IsInt, Min } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Serializable, StreamingMethod, StreamParam } from '../../lib/index.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { failure, startApp } from './app.js';

@Serializable('BadItemsOrder')
class Order {
  @IsInt()
  @Min(1)
  amount!: number;

  static of(amount: number): Order {
    return Object.assign(new Order(), { amount });
  }
}

/** Only the client's models hold it. */
@Serializable('BadItemsSecret')
class Secret {}

class OrderService {
  @StreamingMethod()
  async take(@StreamParam(() => Order) orders: AsyncIterable<Order>): Promise<unknown[]> {
    return seen(orders, ({ amount }) => amount);
  }

  @StreamingMethod()
  async takeAnything(items: AsyncIterable<unknown>): Promise<unknown[]> {
    return seen(items, (item) => item);
  }

  @StreamingMethod()
  async *secrets() {
    yield 1;
    yield 2;
    yield new Secret();
  }
}

async function seen<T>(items: AsyncIterable<T>, read: (item: T) => unknown): Promise<unknown[]> {
  const all: unknown[] = [];
  try {
    for await (const item of items) all.push(read(item));
  } catch (error) {
    all.push((error as { code: string }).code);
  }
  return all;
}

async function* of<T>(...items: T[]) {
  yield* items;
}

describe.each<CodecName>(['json', 'msgpack'])('An item that is bad, over %s', (codec) => {
  async function start() {
    const { connect } = await startApp({ providers: [OrderService] });
    return connect<{ order: OrderService }>({ codec, models: [Order] }).order;
  }

  it('costs none of those that were sent with it before it', async () => {
    const order = await start();
    const sent = of(Order.of(1), Order.of(2), Order.of(-1), Order.of(4));
    expect(await order.take(sent)).toEqual([1, 2, 'invalid-argument']);
    const mixed = of<unknown>(new Date(1), Order.of(-1), 'late');
    expect(await order.takeAnything(mixed)).toEqual([new Date(1), 'invalid-argument']);
  });

  it('costs a client none of those before it, either', async () => {
    const order = await start();
    const items: unknown[] = [];
    const end = await failure(
      (async () => {
        for await (const item of order.secrets()) items.push(item);
      })(),
    );
    expect(items).toEqual([1, 2]);
    expect(end).toMatchObject({ code: 'invalid-argument' });
  });
});
