import { Module } from '@nestjs/common';
import { settings } from '../settings.js';
import { MemoryStore } from './memory.store.js';
import { RedisStore } from './redis.store.js';
import { Store } from './store.js';

@Module({
  providers: [
    {
      provide: Store,
      useFactory: () =>
        settings.redisUrl === undefined ? new MemoryStore() : new RedisStore(settings.redisUrl),
    },
  ],
  exports: [Store],
})
export class StoreModule {}
