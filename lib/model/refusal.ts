import { StreamError } from '../protocol/stream-error.js';

/**
 * Why fields that a peer sent can't become an instance. It gathers the way to the property while
 * it is thrown through the nested instances; the outermost makes a StreamError of it.
 */
export class Refusal extends Error {
  readonly #path: string[] = [];

  private constructor(
    readonly constraint: string,
    cause?: unknown,
  ) {
    super(constraint, { cause });
  }

  /** A value that is not what its property was declared as: `must be a Child`. */
  static of(constraint: string): Refusal {
    return new Refusal(constraint);
  }

  /**
   * What was thrown while a property was set, or an instance made; the message of someone else's
   * error stays here, because only a StreamError's was written for the peer.
   */
  static from(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    const isPublic = error instanceof StreamError && error.code === 'invalid-argument';
    return new Refusal(isPublic ? error.message : 'was refused', error);
  }

  /** The same, thrown on from one level further out. */
  within(property: string | number): this {
    if (property !== '') this.#path.unshift(String(property));
    return this;
  }

  toStreamError(model: { readonly name: string }): StreamError {
    const property = this.#path.join('.');
    const place = property === '' ? model.name : `${model.name}.${property}`;
    return new StreamError('invalid-argument', `${place}: ${this.constraint}`, {
      data: [{ property, constraints: { model: this.constraint } }],
      cause: this.cause,
    });
  }
}
