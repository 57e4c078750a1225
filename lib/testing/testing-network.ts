/** What stands between a testing client and the application. */
interface Crossing {
  /** Takes it in at the other side. */
  arrive(): void;
  /** It was lost on the way. */
  lose(): void;
}

/** Turns of the event loop without any traffic, after which nothing more is to be expected. */
const QUIET_TURNS = 3;

/**
 * The network between a testing client and its application, for tests of what happens while frames
 * are on their way. Give one to `createTestingClient`; it may serve several clients.
 */
export class TestingNetwork {
  readonly #waiting: Crossing[] = [];
  readonly #connections = new Set<() => void>();
  #isHeld = false;
  #traffic = 0;

  /** How many messages are held, of both directions; a message is what one turn's frames go in. */
  get held(): number {
    return this.#waiting.length;
  }

  /** Lets nothing arrive from here on, in either direction, until `release` or `drop`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Lets what was held arrive, in order, and what follows. */
  release(): void {
    this.#isHeld = false;
    for (const crossing of this.#waiting.splice(0)) this.#deliver(crossing);
  }

  /** Loses what is held and cuts the connections, as when a cable is pulled: both sides notice. */
  drop(): void {
    this.#isHeld = false;
    for (const crossing of this.#waiting.splice(0)) crossing.lose();
    for (const cut of [...this.#connections]) cut();
  }

  /**
   * Resolves when what was sent has arrived and was answered, as far as nothing is held and nobody
   * waits for something else, such as a timer.
   */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      const before = this.#traffic;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#traffic === before ? quiet + 1 : 0;
    }
  }

  /** For the connection in memory: something is on its way. */
  send(crossing: Crossing): void {
    this.#traffic += 1;
    if (this.#isHeld) this.#waiting.push(crossing);
    else this.#deliver(crossing);
  }

  /** For the connection in memory: how to cut it. Returns what forgets it again. */
  join(cut: () => void): () => void {
    this.#connections.add(cut);
    return () => this.#connections.delete(cut);
  }

  #deliver(crossing: Crossing): void {
    setImmediate(() => {
      this.#traffic += 1;
      crossing.arrive();
    });
  }
}
