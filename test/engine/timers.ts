/** The timers that were set since the watch began. */
export interface TimerWatch {
  /** Where those were set that have neither run nor been cleared. */
  pending(): string[];
  /** Puts the platform's own functions back. */
  stop(): void;
}

/** Node's own WebSocket keeps a timer that ticks for all connections. */
const PLATFORM = /node:internal\/deps\/undici/;

/**
 * Watches the global `setTimeout`. `process.getActiveResourcesInfo()` would show neither the timers
 * that are not referenced nor whose they are; Node's and the test runner's own don't come by here.
 */
export function watchTimers(): TimerWatch {
  const own = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const set = new Map<unknown, string>();
  const watched = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = own.setTimeout(() => {
      set.delete(timer);
      run(...args);
    }, ms);
    const { stack = '' } = new Error('set here');
    if (!PLATFORM.test(stack)) set.set(timer, stack);
    return timer;
  };
  globalThis.setTimeout = Object.assign(watched, own.setTimeout) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    set.delete(timer);
    own.clearTimeout(timer);
  };
  return {
    pending: () => [...set.values()],
    stop: () => Object.assign(globalThis, own),
  };
}
