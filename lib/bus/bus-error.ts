/**
 * What a `BusError` is about. The words are those of `StreamError`, with the same meaning:
 * - `invalid-argument`: a message is not of the type its subscription declared;
 * - `slow-consumer`: a subscription's reader fell behind by more than its capacity;
 * - `unavailable`: the bus is closed, or can't be reached.
 */
export type BusErrorCode = 'invalid-argument' | 'slow-consumer' | 'unavailable';

/**
 * An error of the message bus while it runs. Wrong use, such as an empty channel name, is a
 * `TypeError` instead.
 */
export class BusError extends Error {
  readonly code: BusErrorCode;

  constructor(code: BusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  static {
    BusError.prototype.name = 'BusError';
  }
}

/**
 * The bus is closed or can't be reached, or has more under way than it may have. A message whose
 * `publish` rejects with it was not confirmed; it may have arrived all the same when the answer was
 * lost on its way back.
 */
export class BusUnavailableError extends BusError {
  constructor(message: string, options?: ErrorOptions) {
    super('unavailable', message, options);
  }

  static {
    BusUnavailableError.prototype.name = 'BusUnavailableError';
  }
}
