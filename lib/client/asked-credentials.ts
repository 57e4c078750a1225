type Credentials = string | null | undefined;

/** The application's function that gives the credentials of its user. */
export type CredentialsFunction = () => Credentials | Promise<Credentials>;

/** What the application gave as credentials. Of several answers the one asked for last counts. */
export class AskedCredentials {
  readonly #give: CredentialsFunction | undefined;
  #asked = 0;
  #answered = 0;
  #newest: string | null = null;

  constructor(give: CredentialsFunction | undefined) {
    this.#give = give;
  }

  /** Whether there is anyone to ask. */
  get canAsk(): boolean {
    return this.#give !== undefined;
  }

  get newest(): string | null {
    return this.#newest;
  }

  /**
   * Asks; resolves with false when an answer that was asked for later is there already.
   *
   * @throws what the application's function throws; TypeError for what are no credentials
   */
  async ask(): Promise<boolean> {
    const asked = ++this.#asked;
    const given: unknown = (await this.#give?.()) ?? null;
    if (given !== null && typeof given !== 'string') {
      throw new TypeError(`credentials must give a string or null, not a ${typeof given}.`);
    }
    if (asked < this.#answered) return false;
    this.#answered = asked;
    this.#newest = given;
    return true;
  }
}
