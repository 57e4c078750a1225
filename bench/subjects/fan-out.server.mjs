import 'reflect-metadata';
import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBus, StreamingMethod, StreamingModule, StreamSession } from 'nestjs-streaming';
import { makeUpdate } from '../update.mjs';

const CHANNEL = 'updates';

class FanOutController {
  constructor(bus) {
    this.bus = bus;
  }

  ready() {}

  async *updates(session) {
    yield* session.messages.subscribe(CHANNEL);
  }

  async publish(id) {
    await this.bus.publish(CHANNEL, makeUpdate(id));
  }
}

class FanOutModule {}

// Decorators as calls: the file runs as it is, with nothing to compile.
Controller()(FanOutController);
Inject(MessageBus)(FanOutController, undefined, 0);
StreamSession()(FanOutController.prototype, 'updates', 0);
for (const name of ['ready', 'updates', 'publish']) {
  const descriptor = Object.getOwnPropertyDescriptor(FanOutController.prototype, name);
  StreamingMethod()(FanOutController.prototype, name, descriptor);
}
Module({ imports: [StreamingModule.forRoot({})], controllers: [FanOutController] })(FanOutModule);

export async function listen() {
  const app = await NestFactory.create(FanOutModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { url: `ws://127.0.0.1:${app.getHttpServer().address().port}/streaming` };
}
