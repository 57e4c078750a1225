import { Allowance } from '../protocol/allowance.js';
import type { AskedCredentials } from './asked-credentials.js';
import type { ClientCall } from './call.js';

/** What a renewal does to its client. None of these may throw but `present`. */
export interface RenewalPort {
  /** There are new credentials. */
  present(): void;
  /** Opens a call again. */
  open(call: ClientCall): void;
  /** Nothing is being asked any more. */
  done(): void;
}

interface Refused {
  readonly call: ClientCall;
  readonly refusal: Error;
}

/**
 * Fresh credentials, asked for because the server wishes it or has refused calls: one question at a
 * time, whatever waits for it.
 */
export class Renewal {
  readonly #credentials: AskedCredentials;
  readonly #port: RenewalPort;
  readonly #patienceMs: number;
  readonly #allowance: Allowance;
  #refused: Refused[] = [];
  /** Of the question that is being asked. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks no more than so often in a minute, and waits so many ms for an answer. */
  constructor(
    credentials: AskedCredentials,
    port: RenewalPort,
    perMinute: number,
    patienceMs: number,
  ) {
    this.#credentials = credentials;
    this.#port = port;
    this.#patienceMs = patienceMs;
    this.#allowance = new Allowance(perMinute);
  }

  /** Whether a question is being asked. */
  get isAsking(): boolean {
    return this.#timer !== undefined;
  }

  /** Asks, unless that is being done; tells whether there will be an answer. */
  begin(): boolean {
    if (this.isAsking) return true;
    if (!this.#credentials.canAsk || !this.#allowance.take()) return false;
    const timer = setTimeout(() => this.#failed(timer), this.#patienceMs);
    this.#timer = timer;
    void this.#ask(timer);
    return true;
  }

  /** Opens a refused call again once there are fresh credentials; else it fails with the refusal. */
  reopen(call: ClientCall, refusal: Error): void {
    if (this.begin()) this.#refused.push({ call, refusal });
    else call.failed(refusal);
  }

  /** The client is closed: the calls that wait fail. */
  stop(error: Error): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { call } of this.#refused.splice(0)) call.failed(error);
  }

  /** An answer that comes too late for the calls is presented all the same. */
  async #ask(timer: unknown): Promise<void> {
    try {
      if (await this.#credentials.ask()) this.#port.present();
      for (const { call } of this.#finish(timer)) if (!call.isOver) this.#port.open(call);
      this.#port.done();
    } catch (cause) {
      this.#failed(timer, cause);
    }
  }

  #failed(timer: unknown, cause?: unknown): void {
    for (const { call, refusal } of this.#finish(timer)) call.refusedFor(refusal, cause);
    this.#port.done();
  }

  #finish(timer: unknown): Refused[] {
    if (this.#timer !== timer) return [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#refused.splice(0);
  }
}
