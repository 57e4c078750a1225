/** Takes turns: one at a time, when it is called, and again after as many ms as the last one said. */
export class Pulse {
  readonly #turn: () => Promise<number>;
  #state: 'resting' | 'turning' | 'called' | 'stopped' = 'resting';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param turn never rejects */
  constructor(turn: () => Promise<number>) {
    this.#turn = turn;
  }

  /** Takes a turn at once, or when the present one is over. */
  call(): void {
    if (this.#state === 'turning') this.#state = 'called';
    else if (this.#state === 'resting') void this.#go();
  }

  /** No turn follows. */
  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
  }

  async #go(): Promise<void> {
    clearTimeout(this.#timer);
    let restMs = 0;
    do {
      this.#state = 'turning';
      restMs = await this.#turn();
    } while (this.#isCalled() || (restMs === 0 && !this.#isStopped()));
    if (this.#isStopped()) return;
    this.#state = 'resting';
    this.#timer = setTimeout(() => this.call(), restMs);
  }

  #isCalled(): boolean {
    return this.#state === 'called';
  }

  #isStopped(): boolean {
    return this.#state === 'stopped';
  }
}
