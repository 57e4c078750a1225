import { Injectable, Logger } from '@nestjs/common';
import type { BusStatus } from '../bus/bus-driver.js';
import type { BusHooks } from '../bus/bus-hooks.js';
import { EngineLog } from './engine-log.js';

/** Lines about gaps come at most this often, in ms. */
const GAPS_EVERY_MS = 10_000;
/** Kinds of problems that are told of; a peer could make up any number. */
const MAX_KINDS = 100;
const MAX_NAMED = 3;

/** What the message bus has done since the start of the process. */
export interface BusCounters {
  /** Messages that were published here, whether they could be sent or not. */
  published: number;
  /** Those of them that could not be sent. */
  failed: number;
  /** Messages that came here, each once, however many subscribers it had. */
  delivered: number;
  /** Messages that the overflow of subscriptions has cost. */
  dropped: number;
  /** Places in channels where messages were lost, or may have been. */
  gaps: number;
  /** Messages that came and could not be used. */
  bad: number;
  /** How long the last probe to the server and back took, in ms; 0 without a cluster. */
  probeMs: number;
}

/** What the bus tells of itself: in Nest's log under `Streaming`, once for each change, and counted. */
@Injectable()
export class BusLog implements BusHooks {
  readonly counters: BusCounters = {
    published: 0,
    failed: 0,
    delivered: 0,
    dropped: 0,
    gaps: 0,
    bad: 0,
    probeMs: 0,
  };
  private readonly logger = new Logger('Streaming');
  readonly #kinds = new Set<string>();
  #gaps = new Map<string, Set<string>>();
  #gapsTold: ReturnType<typeof setTimeout> | undefined;
  #quietUntil = 0;

  constructor(private readonly engine: EngineLog) {}

  published(): void {
    this.counters.published++;
  }

  /** Who awaits it knows; this is for those who don't. */
  publishFailed(channel: string, error: unknown): void {
    this.counters.failed++;
    const problem = error instanceof Error ? error.message : String(error);
    if (!this.#isNew(problem)) return;
    this.#tell((it) =>
      it.warn(
        `A message was not published on the channel ${JSON.stringify(channel)}: ${problem} More of this kind are only counted.`,
      ),
    );
  }

  delivered(): void {
    this.counters.delivered++;
  }

  dropped(_channel: string, messages: number): void {
    this.counters.dropped += messages;
  }

  probed(latencyMs: number): void {
    this.counters.probeMs = latencyMs;
  }

  /** An interruption concerns all channels at once: they are gathered into one line. */
  gap(channel: string, reason: string, untold = 1): void {
    this.counters.gaps++;
    if (untold === 0) return;
    const channels = this.#gaps.get(reason) ?? new Set();
    this.#gaps.set(reason, channels.add(channel));
    const restMs = Math.max(this.#quietUntil - performance.now(), 0);
    this.#gapsTold ??= setTimeout(() => this.#tellGaps(), restMs).unref();
  }

  badMessage(channel: string, problem: string): void {
    this.counters.bad++;
    if (!this.#isNew(problem)) return;
    const told = `${JSON.stringify(channel)}: ${JSON.stringify(problem)}`;
    this.#tell((it) =>
      it.warn(`A message was left out on the channel ${told}. More of this kind are only counted.`),
    );
  }

  statusChanged(status: BusStatus, reason: string): void {
    this.#tell((it) => {
      if (status === 'connected') it.log('The message bus is connected to Redis');
      else if (status === 'reconnecting')
        it.warn(`The message bus can't reach Redis, and goes on trying: ${reason}`);
    });
  }

  /** A hook of the application threw; told once for each. */
  hookFailed(name: string, error: unknown): void {
    if (!this.#isNew(`hook ${name}`)) return;
    this.#tell((it) => it.error(`The hook ${name} of busHooks threw: ${String(error)}`));
  }

  listenerFailed(channel: string, error: unknown): void {
    this.engine.listenerFailed(channel, error);
  }

  channelFailed(channel: string, error: unknown): void {
    this.engine.channelFailed(channel, error);
  }

  /** When the bus is closed: tells at once of the gaps that were gathered. */
  close(): void {
    clearTimeout(this.#gapsTold);
    this.#tellGaps();
  }

  #isNew(kind: string): boolean {
    if (this.#kinds.has(kind) || this.#kinds.size >= MAX_KINDS) return false;
    this.#kinds.add(kind);
    return true;
  }

  #tellGaps(): void {
    const gaps = this.#gaps;
    this.#gaps = new Map();
    this.#gapsTold = undefined;
    this.#quietUntil = performance.now() + GAPS_EVERY_MS;
    for (const [reason, channels] of gaps) {
      this.#tell((it) => it.warn(`Messages of ${nameAll(channels)} may be lost: ${reason}`));
    }
  }

  /** Whatever it is they tell of, and whoever's logger it is: hooks may not throw. */
  #tell(tell: (logger: Logger) => void): void {
    try {
      tell(this.logger);
    } catch {
      // There is nobody left to tell.
    }
  }
}

function nameAll(channels: ReadonlySet<string>): string {
  const named = [...channels].slice(0, MAX_NAMED).map((name) => JSON.stringify(name));
  const more = channels.size > MAX_NAMED ? ` and ${channels.size - MAX_NAMED} more` : '';
  return `${channels.size === 1 ? 'the channel' : 'the channels'} ${named.join(', ')}${more}`;
}
