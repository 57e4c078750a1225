import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthRevocation, RequireLogin, StreamingMethod, StreamingModule } from 'nestjs-streaming';
import { makeItems } from '../item.mjs';

/** How often each stream that nobody ends has an item, in ms. */
const TICK_MS = 20;

/** A client's credentials are the user's name. */
const authenticator = { authenticate: async (name) => (name === null ? null : { userId: name }) };

class BenchController {
  unguarded(count) {
    return makeItems(count);
  }

  guarded(count) {
    return makeItems(count);
  }

  async *ticks() {
    for (let i = 0; ; i++) {
      yield i;
      await sleep(TICK_MS);
    }
  }
}

const { prototype } = BenchController;
for (const name of ['unguarded', 'guarded', 'ticks']) {
  StreamingMethod()(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
  if (name === 'unguarded') continue;
  UseGuards(RequireLogin)(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
}
Controller()(BenchController);

/** A server of a cluster on this Redis. */
export async function listen(redis) {
  class AppModule {}
  // On an empty Redis the first revocation waits for a whole lease: this is the short one.
  const auth = { strict: true };
  const streaming = StreamingModule.forRoot({ redis, authenticator, auth });
  Module({ imports: [streaming], controllers: [BenchController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const url = `ws://127.0.0.1:${app.getHttpServer().address().port}/streaming`;
  return { url, revocation: app.get(AuthRevocation) };
}
