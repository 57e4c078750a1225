import type { CallContext } from '../client/call.js';

/** What stands above the caller in a stack: its first line, this function and the client's method. */
const OWN_LINES = 3;

/**
 * Remembers where a call is made, and adds that to the stack of what it fails with: an error that
 * came over a connection has no line of the test's. Too dear for a client that isn't a test's.
 */
export function captureCaller(): CallContext {
  const lines = new Error().stack?.split('\n').slice(OWN_LINES) ?? [];
  return { run: (run) => run(), failed: (error) => addLines(error, lines) };
}

/** Whatever the error's class makes of its stack. */
function addLines(error: unknown, lines: readonly string[]): void {
  if (!(error instanceof Error)) return;
  try {
    error.stack = [error.stack, ...lines].join('\n');
  } catch {
    // It is thrown as it is.
  }
}
