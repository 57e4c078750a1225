import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StreamingMethod, StreamingModule } from 'nestjs-streaming';

/**
 * Serves methods of a controller: their names, with the options of each. Decorators as calls: the
 * files of the subjects run as they are, with nothing to compile.
 */
export async function serve(controller, methods) {
  const { prototype } = controller;
  for (const [name, options] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    StreamingMethod(options)(prototype, name, descriptor);
  }
  Controller()(controller);
  const app = await NestFactory.create(createModule(controller), { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { url: `ws://127.0.0.1:${app.getHttpServer().address().port}/streaming` };
}

function createModule(controller) {
  class BenchModule {}
  Module({ imports: [StreamingModule.forRoot({})], controllers: [controller] })(BenchModule);
  return BenchModule;
}
