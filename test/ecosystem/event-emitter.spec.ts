import { on } from 'node:events';
import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { filter, map, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  MessageBus,
  StreamController,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { startApp, until } from '../nest/app.js';

class OrderCreated {
  constructor(
    readonly id: number,
    readonly shop: string,
  ) {}
}

@Injectable()
class OrdersService {
  readonly orders = new Subject<OrderCreated>();
  readonly controllers = new Set<StreamController<number>>();

  constructor(
    private readonly bus: MessageBus,
    private readonly events: EventEmitter2,
  ) {}

  @OnEvent('order.created')
  async onOrderCreated(order: OrderCreated): Promise<void> {
    this.orders.next(order);
    for (const controller of this.controllers) controller.add(order.id);
    await this.bus.publish(`orders ${order.shop}`, order.id);
  }

  /** From a subject. */
  @StreamingMethod()
  observed(shop: string) {
    return this.orders.pipe(
      filter((order) => order.shop === shop),
      map((order) => order.id),
    );
  }

  /** From a controller for each call. */
  @StreamingMethod()
  controlled(@StreamSession() session: StreamingSession) {
    const controller = new StreamController<number>();
    this.controllers.add(controller);
    session.onClose(() => this.controllers.delete(controller));
    return controller;
  }

  /** From the bus, which reaches the clients of other servers, too. */
  @StreamingMethod()
  subscribed(@StreamSession() session: StreamingSession, shop: string) {
    return session.messages.subscribe<number>(`orders ${shop}`);
  }

  /** From the emitter itself. */
  @StreamingMethod()
  async *heard(@StreamSession() session: StreamingSession) {
    const orders = on(this.events as never, 'order.created', { signal: session.signal });
    for await (const [order] of orders) yield order.id;
  }

  get listenerCount(): number {
    return this.events.listeners('order.created').length;
  }
}

async function start() {
  const { app, connect, server, log } = await startApp({
    imports: [EventEmitterModule.forRoot()],
    providers: [OrdersService],
  });
  const orders = app.get(OrdersService);
  const emit = (...ids: number[]) => {
    const events = app.get(EventEmitter2);
    for (const id of ids) events.emit('order.created', new OrderCreated(id, id % 2 ? 'a' : 'b'));
  };
  return { orders, emit, server, log, client: connect<{ orders: OrdersService }>().orders };
}

/** The first items of a stream, which then is cancelled. */
async function first<T>(count: number, stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) if (items.push(item) === count) break;
  return items;
}

describe('an @OnEvent() handler', () => {
  it('feeds a Subject that streaming methods return', async () => {
    const { orders, emit, client, server } = await start();
    const reading = [first(2, client.observed('a')), first(1, client.observed('b'))];
    await until(() => server.callCount === 2 && orders.orders.observed);
    emit(1, 2, 3);
    expect(await Promise.all(reading)).toEqual([[1, 3], [2]]);
    await until(() => server.callCount === 0);
    expect(orders.orders.observed).toBe(false);
  });

  it('feeds a StreamController of each call', async () => {
    const { orders, emit, client, server } = await start();
    const reading = Promise.all([first(3, client.controlled()), first(1, client.controlled())]);
    await until(() => orders.controllers.size === 2);
    emit(1, 2, 3);
    expect(await reading).toEqual([[1, 2, 3], [1]]);
    await until(() => server.callCount === 0);
    expect(orders.controllers.size).toBe(0);
  });

  it('publishes to the bus', async () => {
    const { emit, client, server } = await start();
    const stream = await client.subscribed('b');
    const reading = first(2, stream);
    emit(1, 2, 3, 4);
    expect(await reading).toEqual([2, 4]);
    await until(() => server.callCount === 0);
  });
});

it("events.on() with the session's signal ends quietly with the call", async () => {
  const { orders, emit, client, server, log } = await start();
  const before = orders.listenerCount;
  const stream = client.heard();
  const reading = first(2, stream);
  await until(() => orders.listenerCount === before + 1);
  emit(5, 6);
  expect(await reading).toEqual([5, 6]);
  await until(() => server.callCount === 0);
  expect(orders.listenerCount).toBe(before);
  expect(log.lines.filter((line) => /^(error|warn)/.test(line) && !/Shutdown/.test(line))).toEqual(
    [],
  );
});
