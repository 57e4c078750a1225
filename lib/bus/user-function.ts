/**
 * Calls a function of the application's. What it throws, or a promise it returns rejects with, goes
 * to `onError`: unhandled, it would end the process.
 */
export function callUser<A>(
  fn: (argument: A) => unknown,
  argument: A,
  onError: (error: unknown) => void,
): void {
  try {
    const result = fn(argument);
    if (isThenable(result)) Promise.resolve(result).catch(onError);
  } catch (error) {
    onError(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
