import { FrameType } from './frames.js';
import type { Schedule } from './schedule.js';
import type { StreamError } from './stream-error.js';

/** A message that came from the peer. */
export interface InboundMessage {
  /** Its length: UTF-16 code units, or bytes. */
  readonly bytes: number;
}

/** What an intake does with what it takes in. */
export interface IntakePort {
  /** A frame's turn has come. */
  take(frame: unknown[], problem: StreamError | undefined, message: InboundMessage): void;
  /** More came than a turn takes: the socket need not be read. */
  pause(): void;
  /** All that came was taken. */
  resume(): void;
  /** Runs what takes frames outside of the peer's own turn, and deals with what it throws. */
  guard(run: () => void): void;
}

/** How many calls begin for a peer in one turn of the event loop; other frames cost next to nothing. */
const TURN_OPENS = 128;

type Entry = readonly [unknown[], StreamError | undefined, InboundMessage];

/**
 * Takes the frames of a peer in order, and only so much of them in one turn of the event loop: a
 * single message may begin tens of thousands of calls, and other peers wait meanwhile.
 */
export class Intake {
  readonly #port: IntakePort;
  readonly #schedule: Schedule;
  #waiting: Entry[] = [];
  #next = 0;
  /** Calls begun in this turn. */
  #opens = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(port: IntakePort, schedule: Schedule) {
    this.#port = port;
    this.#schedule = schedule;
  }

  /** A frame came. */
  frame(frame: unknown[], problem: StreamError | undefined, message: InboundMessage): void {
    if (!this.#isResting && this.#waiting.length === 0) {
      return this.#take(frame, problem, message);
    }
    if (this.#waiting.push([frame, problem, message]) === 1) this.#port.pause();
  }

  /** Runs a function behind all that came: at once when nothing waits. */
  whenEmpty(run: () => void): void {
    if (this.#waiting.length === 0) run();
    else this.#whenEmpty = run;
  }

  /** Forgets what waits. */
  drop(): void {
    this.#waiting = [];
    this.#whenEmpty = undefined;
  }

  #take(frame: unknown[], problem: StreamError | undefined, message: InboundMessage): void {
    if (frame[0] === FrameType.open && this.#opens++ === 0) this.#schedule(this.#nextTurn);
    this.#port.take(frame, problem, message);
  }

  get #isResting(): boolean {
    return this.#opens >= TURN_OPENS;
  }

  readonly #nextTurn = (): void => {
    this.#opens = 0;
    if (this.#waiting.length > 0) this.#port.guard(() => this.#goOn());
  };

  #goOn(): void {
    while (!this.#isResting) {
      const entry = this.#waiting[this.#next++];
      if (entry === undefined) return this.#emptied();
      this.#take(...entry);
    }
  }

  #emptied(): void {
    const run = this.#whenEmpty;
    this.drop();
    this.#next = 0;
    this.#port.resume();
    run?.();
  }
}
