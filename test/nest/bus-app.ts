import {
  Inject,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { defineChannel, MessageBus, StreamingModule } from '../../lib/index.js';

export const orders = defineChannel<number>('orders', { history: { size: 100, ttlMs: 60_000 } });

/** A service as an application has it, that knows nothing of streams. */
@Injectable()
export class OrderLog implements OnModuleInit, OnModuleDestroy {
  readonly seen: number[] = [];
  readonly heard: number[] = [];
  #reading: Promise<void> | undefined;

  constructor(@Inject(MessageBus) readonly bus: MessageBus) {}

  onModuleInit(): void {
    this.#reading = this.#read();
    this.bus.addListener(orders, (order) => this.heard.push(order));
  }

  /** It publishes what is left to say, and waits until all is read. */
  async onModuleDestroy(): Promise<void> {
    await this.bus.publish('closing', this.seen.length);
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const order of this.bus.subscribe(orders, { since: 'start' })) this.seen.push(order);
  }
}

/** Starts an application context, uses the bus, closes, and leaves the process to end by itself. */
export async function run(url: string | undefined): Promise<void> {
  class AppModule {}
  Module({
    imports: [StreamingModule.forRoot(url === undefined ? {} : { redis: () => new Redis(url) })],
    providers: [OrderLog],
  })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const log = app.get(OrderLog);
  await log.bus.subscribe(orders).ready;
  for (let n = 1; n <= 3; n += 1) await log.bus.publish(orders, n);
  while (log.seen.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  await app.close();
  process.stdout.write(`seen ${log.seen.join()}, status ${log.bus.status}\n`);
}
