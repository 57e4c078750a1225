/**
 * Runs a function once the current turn of the event loop has done its work: after the promises
 * that are already settled, before the loop sleeps. No timer, so it adds no latency.
 */
export type Schedule = (run: () => void) => void;

/**
 * A schedule that runs together what one turn asks for: a thousand connections would each pay for
 * the event loop's way there.
 *
 * @param defer how a turn is waited for. @default `setImmediate` in Node, a message to itself in a
 * browser
 */
export function createSchedule(defer: Schedule = createDefer()): Schedule {
  let waiting: (() => void)[] = [];
  const runAll = (): void => {
    const runs = waiting;
    waiting = [];
    let next = 0;
    try {
      while (next < runs.length) runs[next++]?.();
    } finally {
      // One that throws doesn't keep the others from running.
      for (const run of runs.slice(next)) schedule(run);
    }
  };
  const schedule = (run: () => void): void => {
    if (waiting.push(run) === 1) defer(runAll);
  };
  return schedule;
}

function createDefer(): Schedule {
  if (typeof setImmediate === 'function') return (run) => void setImmediate(run);
  const channel = new MessageChannel();
  const queue: (() => void)[] = [];
  channel.port1.onmessage = () => queue.shift()?.();
  return (run) => {
    queue.push(run);
    channel.port2.postMessage(null);
  };
}
