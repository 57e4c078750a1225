/** Records of one kind, each under a key, each for as long as its group says. */
export interface Group<T> {
  get(key: string): Promise<T | undefined>;
  list(): Promise<T[]>;
  /** Keeps the record, or keeps it on, for the group's time from now. */
  set(key: string, record: T): Promise<void>;
  delete(key: string): Promise<void>;
}

/**
 * What all servers of the chat must agree on and no message carries: devices, who was thrown out,
 * who is in a room. In this server's memory, or in Redis where there are more.
 */
export abstract class Store {
  /** Records are kept as JSON. All groups of one name must be given the same time, in ms. */
  abstract group<T extends object>(name: string, ttlMs: number): Group<T>;
}
