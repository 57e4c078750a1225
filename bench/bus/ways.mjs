import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { defineChannel, MessageBus, StreamingModule } from 'nestjs-streaming';

const NAME = 'bench';
const HISTORY = { size: 10_000, ttlMs: 60_000 };

/** A message of 200 characters that tells its number. */
export function createMessage(number) {
  return String(number).padStart(16, '0').padEnd(200, 'x');
}

export function numberOf(message) {
  return Number(message.slice(0, 16));
}

/** The ways from one process to another: each can `publish(message)` and `listen(fn)`. */
export const WAYS = { plain, ephemeral, replayable };

async function plain(url) {
  const publisher = new Redis(url, { enableAutoPipelining: true });
  const subscriber = new Redis(url);
  return {
    publish: (message) => publisher.publish(NAME, message),
    async listen(fn) {
      subscriber.on('message', (_, message) => fn(message));
      await subscriber.subscribe(NAME);
    },
  };
}

async function ephemeral(url) {
  return by(await createBus(url), NAME);
}

async function replayable(url) {
  return by(await createBus(url), defineChannel(NAME, { history: HISTORY }));
}

function by(bus, channel) {
  return {
    publish: (message) => bus.publish(channel, message),
    async listen(fn) {
      bus.addListener(channel, fn);
      const subscription = bus.subscribe(channel);
      await subscription.ready;
      subscription.cancel();
    },
  };
}

async function createBus(url) {
  class BusModule {}
  const redis = StreamingModule.forRoot({ redis: url, bus: { prefix: `bench:${url}:` } });
  Module({ imports: [redis] })(BusModule);
  const app = await NestFactory.createApplicationContext(BusModule, { logger: ['error', 'warn'] });
  return app.get(MessageBus);
}
