import { type Group, Store } from './store.js';

interface Kept<T> {
  readonly record: T;
  readonly until: number;
}

/** For one server: its records end with it. */
export class MemoryStore extends Store {
  readonly #groups = new Map<string, Map<string, Kept<never>>>();

  group<T extends object>(name: string, ttlMs: number): Group<T> {
    const kept = (this.#groups.get(name) ?? new Map()) as Map<string, Kept<T>>;
    this.#groups.set(name, kept as Map<string, Kept<never>>);
    return new MemoryGroup(kept, ttlMs);
  }
}

class MemoryGroup<T> implements Group<T> {
  constructor(
    private readonly kept: Map<string, Kept<T>>,
    private readonly ttlMs: number,
  ) {}

  async get(key: string): Promise<T | undefined> {
    this.#forgetOld();
    return this.kept.get(key)?.record;
  }

  async list(): Promise<T[]> {
    this.#forgetOld();
    return [...this.kept.values()].map(({ record }) => record);
  }

  async set(key: string, record: T): Promise<void> {
    this.kept.set(key, { record, until: Date.now() + this.ttlMs });
  }

  async delete(key: string): Promise<void> {
    this.kept.delete(key);
  }

  #forgetOld(): void {
    for (const [key, { until }] of this.kept) if (until <= Date.now()) this.kept.delete(key);
  }
}
