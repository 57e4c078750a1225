import { BusUnavailableError } from './bus-error.js';
import {
  type ClusterLog,
  type ClusterLogOptions,
  checkClusterLogOptions,
  checkEntry,
} from './cluster-log.js';

interface Entry {
  readonly text: string;
  readonly at: number;
}

/** The logs of servers that all live in this process: nobody is ever out of touch. */
export class LocalLogs {
  readonly #logs = new Map<string, SharedLog>();
  readonly #members = new Set<LocalClusterLog>();

  /** @throws TypeError for options that make no sense. */
  open(options: ClusterLogOptions): ClusterLog {
    checkClusterLogOptions(options);
    const shared = this.#logs.get(options.name) ?? { entries: [], members: new Set() };
    this.#logs.set(options.name, shared);
    const member = new LocalClusterLog(options, shared, () => this.#members.delete(member));
    this.#members.add(member);
    member.open();
    return member;
  }

  close(): void {
    for (const member of [...this.#members]) void member.close();
    this.#logs.clear();
  }
}

/** What the members of one log share. */
interface SharedLog {
  /** Those young enough to be kept, the oldest first. */
  entries: Entry[];
  readonly members: Set<LocalClusterLog>;
}

interface Waiting {
  readonly entry: Entry;
  /** It was applied, or the member is gone. */
  done(): void;
}

class LocalClusterLog implements ClusterLog {
  readonly #options: ClusterLogOptions;
  readonly #shared: SharedLog;
  readonly #onClose: () => void;
  #ready: Promise<void> = Promise.resolve();
  #waiting: Waiting[] = [];
  readonly #rejects = new Set<(error: Error) => void>();
  #isApplying = false;
  #state: 'joining' | 'current' | 'closed' = 'joining';

  constructor(options: ClusterLogOptions, shared: SharedLog, onClose: () => void) {
    this.#options = options;
    this.#shared = shared;
    this.#onClose = onClose;
  }

  get ready(): Promise<void> {
    return this.#ready;
  }

  get isCurrent(): boolean {
    return this.#state === 'current';
  }

  /** Called once: begins with what is kept. */
  open(): void {
    this.#forget();
    this.#shared.members.add(this);
    this.#ready = this.#join(this.#shared.entries.map((entry) => this.#take(entry)));
    // Nobody has to wait for it.
    this.#ready.catch(() => {});
  }

  async append(text: string): Promise<void> {
    checkEntry(text);
    if (this.#state === 'closed') throw closed();
    this.#forget();
    const entry = { text, at: Date.now() };
    this.#shared.entries.push(entry);
    const applied = Promise.all([...this.#shared.members].map((member) => member.#take(entry)));
    await this.#unlessClosed(applied);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#shared.members.delete(this);
    for (const reject of this.#rejects) reject(closed());
    for (const { done } of this.#waiting.splice(0)) done();
    this.#onClose();
  }

  async #join(kept: readonly Promise<void>[]): Promise<void> {
    await this.#unlessClosed(Promise.all(kept));
    if (this.#state === 'joining') this.#state = 'current';
  }

  /** Rejects at once when the log is closed before. */
  #unlessClosed(all: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      void all.then(() => {
        this.#rejects.delete(reject);
        resolve();
      });
    });
  }

  /** Resolves when the entry is applied; at once, where nothing has to be waited for. */
  #take(entry: Entry): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ entry, done });
      if (!this.#isApplying) void this.#applyAll();
    });
  }

  async #applyAll(): Promise<void> {
    this.#isApplying = true;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      await this.#apply(next.entry);
      // Where the log was closed meanwhile, nobody waits any more.
      if (this.#waiting[0] === next) this.#waiting.shift();
      next.done();
    }
    this.#isApplying = false;
  }

  async #apply({ text, at }: Entry): Promise<void> {
    try {
      await this.#options.apply(text, at);
    } catch {
      if (this.#state !== 'current') return;
      this.#options.lost();
      this.#options.regained(false);
    }
  }

  #forget(): void {
    const oldest = Date.now() - this.#options.retentionMs;
    const first = this.#shared.entries.findIndex(({ at }) => at >= oldest);
    if (first !== 0) this.#shared.entries = first < 0 ? [] : this.#shared.entries.slice(first);
  }
}

function closed(): BusUnavailableError {
  return new BusUnavailableError('The cluster log is closed.');
}
