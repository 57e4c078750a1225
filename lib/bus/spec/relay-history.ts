import type { ChannelHistory } from '../define-channel.js';
import {
  gapAfter,
  type HistoryDriver,
  type HistoryPage,
  type HistoryReceiver,
  type HistoryRecord,
  type HistoryStart,
  type HistorySubscription,
} from '../history-driver.js';

interface Stored extends HistoryRecord {
  /** Counted by the server: a failover makes it count the same again. */
  readonly id: number;
}

interface History {
  records: Stored[];
  last: string;
}

/**
 * A server of histories within the process, for tests, with the faults that a real one has: it can
 * lose its end in a failover and use the same numbers again, or forget everything.
 */
export class RelayHistoryServer {
  readonly receivers = new Map<string, Set<HistoryReceiver>>();
  /** While there is one, subscriptions stand when it resolves. */
  held: Promise<void> | undefined;
  #histories = new Map<string, History>();
  #replica = new Map<string, History>();
  #clock = 0;
  #replicaClock = 0;
  #tags = 0;

  /** Keeps a message; `witness` is the last position that its publisher was told. */
  append(channel: string, message: unknown, { size }: ChannelHistory, witness: string): Stored[] {
    const history = this.#of(channel);
    const added: Stored[] = [];
    if (this.#hasLost(history, witness)) added.push(this.#add(history, 'loss', undefined));
    added.push(this.#add(history, 'message', message));
    history.records.splice(0, history.records.length - size);
    return added;
  }

  read(channel: string, from: HistoryStart, limit: number): HistoryPage {
    const { records, last } = this.#of(channel);
    if (from === 'end') return { records: [], last };
    const after = typeof from === 'object' && 'after' in from ? from.after : undefined;
    const id = after === undefined ? 0 : idOf(after);
    const found = records.filter((record) => record.id > id).slice(0, limit);
    if (after === undefined) return { records: found, last };
    const hasOlder = records.some((record) => record.id <= id);
    return { records: found, last, gap: gapAfter(after, found[0]?.previous ?? last, hasOlder) };
  }

  /** The replica is given what there is now. */
  replicate(): void {
    this.#replica = copy(this.#histories);
    this.#replicaClock = this.#clock;
  }

  /** The replica takes over: what was published since `replicate()` is lost. */
  failOver(): void {
    this.#histories = copy(this.#replica);
    this.#clock = this.#replicaClock;
  }

  flush(): void {
    this.#histories.clear();
    this.#replica.clear();
  }

  #of(channel: string): History {
    const history = this.#histories.get(channel) ?? { records: [], last: '' };
    this.#histories.set(channel, history);
    return history;
  }

  #hasLost({ records, last }: History, witness: string): boolean {
    if (witness === '' || witness === last) return false;
    if (records.some(({ position }) => position === witness)) return false;
    return last === '' || records.some(({ id }) => id < idOf(witness));
  }

  #add(history: History, kind: 'message' | 'loss', message: unknown): Stored {
    // After a flush the clock goes on; after a failover it is the other server's, and behind.
    this.#clock = Math.max(this.#clock, idOf(history.last)) + 1;
    const id = this.#clock;
    this.#tags += 1;
    const position = `${id}.${this.#tags}`;
    const record = { id, position, previous: history.last, kind, message };
    history.records.push(record);
    history.last = position;
    return record;
  }
}

/** One process's way to the server: what arrives by it does so a turn later. */
export class RelayHistory implements HistoryDriver {
  readonly #server: RelayHistoryServer;
  readonly #receivers = new Map<string, HistoryReceiver>();
  readonly #witnesses = new Map<string, string>();
  #isConnected = true;

  constructor(server: RelayHistoryServer) {
    this.#server = server;
  }

  async publish(channel: string, message: unknown, history: ChannelHistory): Promise<void> {
    const copy = structuredClone(message);
    await turn();
    const witness = this.#witnesses.get(channel) ?? '';
    const records = this.#server.append(channel, copy, history, witness);
    this.#witnesses.set(channel, records.at(-1)?.position ?? '');
    for (const receiver of this.#server.receivers.get(channel) ?? [])
      for (const record of records) receiver.record(record);
  }

  subscribe(channel: string, _: ChannelHistory, receiver: HistoryReceiver): HistorySubscription {
    let state: 'pending' | 'standing' | 'over' = 'pending';
    const gate = {
      record: (record: HistoryRecord) => {
        if (this.#isConnected && state === 'standing') receiver.record(record);
      },
      resumed: () => receiver.resumed(),
      failed: (error: unknown) => receiver.failed(error),
    };
    const all = this.#server.receivers.get(channel) ?? new Set();
    this.#server.receivers.set(channel, all.add(gate));
    this.#receivers.set(channel, gate);
    const cancel = () => {
      state = 'over';
      all.delete(gate);
      if (this.#receivers.get(channel) === gate) this.#receivers.delete(channel);
    };
    const stand = () => {
      if (state === 'pending') state = 'standing';
    };
    return { ready: (this.#server.held ?? turn()).then(stand), cancel };
  }

  async read(
    channel: string,
    _: ChannelHistory,
    from: HistoryStart,
    limit: number,
  ): Promise<HistoryPage> {
    await turn();
    const page = this.#server.read(channel, from, limit);
    await turn();
    return page;
  }

  /** Nothing arrives until `resume()`. */
  interrupt(): void {
    this.#isConnected = false;
  }

  resume(): void {
    this.#isConnected = true;
    for (const receiver of this.#receivers.values()) receiver.resumed();
  }
}

function copy(histories: ReadonlyMap<string, History>): Map<string, History> {
  const copied = new Map<string, History>();
  for (const [channel, { records, last }] of histories)
    copied.set(channel, { records: [...records], last });
  return copied;
}

function idOf(position: string): number {
  return Number(position.split('.')[0]);
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
