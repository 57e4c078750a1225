import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StreamingMethod, StreamingModule } from 'nestjs-streaming';
import { makeItems } from '../item.mjs';

class BenchController {
  ready() {}

  items(count) {
    return makeItems(count ?? Number.POSITIVE_INFINITY);
  }

  async *echo(stream) {
    for await (const item of stream) yield item;
  }
}

class BenchModule {}

// Decorators as calls: the file runs as it is, with nothing to compile.
Controller()(BenchController);
for (const name of ['ready', 'items', 'echo']) expose(name);
Module({ imports: [StreamingModule.forRoot({})], controllers: [BenchController] })(BenchModule);

function expose(name) {
  const descriptor = Object.getOwnPropertyDescriptor(BenchController.prototype, name);
  StreamingMethod()(BenchController.prototype, name, descriptor);
}

export async function listen() {
  const app = await NestFactory.create(BenchModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { url: `ws://127.0.0.1:${app.getHttpServer().address().port}/streaming` };
}
