import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { type Group, Store } from './store.js';

interface Kept<T> {
  readonly record: T;
  readonly until: number;
}

/** For several servers: each group is a hash in Redis, which goes when nobody renews it. */
export class RedisStore extends Store implements OnApplicationShutdown {
  readonly #redis: Redis;

  constructor(url: string) {
    super();
    this.#redis = new Redis(url, { maxRetriesPerRequest: 1 });
    const logger = new Logger(RedisStore.name);
    this.#redis.on('error', (error: Error) => logger.warn(`Redis: ${error.message}`));
  }

  group<T extends object>(name: string, ttlMs: number): Group<T> {
    return new RedisGroup(this.#redis, `chat:${name}`, ttlMs);
  }

  /** The last hook of a shutdown: the calls that end before it still leave their rooms. */
  onApplicationShutdown(): void {
    this.#redis.disconnect();
  }
}

class RedisGroup<T extends object> implements Group<T> {
  constructor(
    private readonly redis: Redis,
    private readonly name: string,
    private readonly ttlMs: number,
  ) {}

  async get(key: string): Promise<T | undefined> {
    const text = await this.redis.hget(this.name, key);
    return text === null ? undefined : unwrap<T>(text);
  }

  async list(): Promise<T[]> {
    const fields = Object.entries(await this.redis.hgetall(this.name));
    const old = fields.filter(([, text]) => unwrap(text) === undefined).map(([key]) => key);
    if (old.length > 0) await this.redis.hdel(this.name, ...old);
    return fields.map(([, text]) => unwrap<T>(text)).filter((record) => record !== undefined);
  }

  async set(key: string, record: T): Promise<void> {
    const kept: Kept<T> = { record, until: Date.now() + this.ttlMs };
    const change = this.redis.multi().hset(this.name, key, JSON.stringify(kept));
    await change.pexpire(this.name, this.ttlMs).exec();
  }

  async delete(key: string): Promise<void> {
    await this.redis.hdel(this.name, key);
  }
}

/** The record, unless its time is over: a field of a hash doesn't expire by itself. */
function unwrap<T>(text: string): T | undefined {
  const { record, until } = JSON.parse(text) as Kept<T>;
  return until > Date.now() ? record : undefined;
}
