import type { RedisLink } from './redis-link.js';

/** Both connections to a server. */
export interface ProbedLinks {
  readonly publish: RedisLink;
  readonly subscribe: RedisLink;
}

export interface ProbePort {
  /** Asks the server what it is. */
  role(): Promise<unknown>;
  /** Publishes on the probe's channel. Resolves with the number of connections it went to. */
  send(payload: string): Promise<unknown>;
  /** What was sent came back; for the first time, too. */
  returned(latencyMs: number): void;
}

export interface ProbeOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** So many times the timeout a probe may take while other traffic shows both connections alive. */
const PATIENCE = 5;

/**
 * Sends a message through both connections to a server, at once and again and again, and gives them
 * up when it doesn't come back: a connection that swallows everything looks healthy otherwise.
 */
export class Probe {
  readonly #links: ProbedLinks;
  readonly #port: ProbePort;
  readonly #options: ProbeOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the last one was sent; it names it, too. */
  #sentAt = 0;
  #hasArrived = false;
  #isAnswered = false;

  constructor(links: ProbedLinks, port: ProbePort, options: ProbeOptions) {
    this.#links = links;
    this.#port = port;
    this.#options = options;
  }

  start(): void {
    this.#send();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Something came on the probe's channel. */
  arrived(payload: string): void {
    if (payload !== String(this.#sentAt) || this.#hasArrived) return;
    this.#hasArrived = true;
    this.#check();
  }

  readonly #send = (): void => {
    this.#hasArrived = false;
    this.#isAnswered = false;
    const sentAt = performance.now();
    this.#sentAt = sentAt;
    this.#wait(this.#options.timeoutMs, this.#late);
    // A server that does not tell its role, or may not, is left alone.
    const role = this.#port.role().catch(() => undefined);
    const receivers = this.#port.send(String(sentAt));
    Promise.all([role, receivers]).then(
      ([reply, count]) => {
        if (sentAt === this.#sentAt) this.#answered(reply, count);
      },
      () => {},
    );
  };

  /**
   * A replica keeps what is published there for itself. After a failover the two connections may lead
   * to two servers, and both are alive.
   */
  #answered(reply: unknown, receivers: unknown): void {
    const [role]: unknown[] = Array.isArray(reply) ? reply : [];
    if (String(role) === 'slave') return this.#giveUp('the server is a replica');
    if (receivers === 0) return this.#giveUp('what is published does not reach the subscriber');
    this.#isAnswered = true;
    this.#check();
  }

  #check(): void {
    if (!this.#hasArrived || !this.#isAnswered) return;
    const latencyMs = performance.now() - this.#sentAt;
    this.#wait(Math.max(this.#options.intervalMs - latencyMs, 0), this.#send);
    this.#port.returned(latencyMs);
  }

  /** Behind one more turn of the loop: where the process was held up, the answer waits to be read. */
  readonly #late = (): void => this.#wait(1, this.#judge);

  readonly #judge = (): void => {
    const { publish, subscribe } = this.#links;
    const waitedMs = performance.now() - this.#sentAt;
    const isHopeless = waitedMs > this.#options.timeoutMs * PATIENCE;
    const silent = [publish, subscribe].filter((it) => isHopeless || it.heardAt < this.#sentAt);
    if (silent.length === 0) this.#wait(this.#options.timeoutMs, this.#late);
    for (const link of silent) link.close(`no answer for ${Math.round(waitedMs)} ms`);
  };

  #giveUp(reason: string): void {
    this.#links.publish.close(reason);
    this.#links.subscribe.close(reason);
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }
}
