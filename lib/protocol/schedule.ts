/**
 * Runs a function once the current turn of the event loop has done its work: after the promises
 * that are already settled, before the loop sleeps. No timer, so it adds no latency.
 */
export type Schedule = (run: () => void) => void;

/** The schedule of this platform: `setImmediate` in Node, a message to itself in a browser. */
export function createSchedule(): Schedule {
  if (typeof setImmediate === 'function') return (run) => void setImmediate(run);
  const channel = new MessageChannel();
  const queue: (() => void)[] = [];
  channel.port1.onmessage = () => queue.shift()?.();
  return (run) => {
    queue.push(run);
    channel.port2.postMessage(null);
  };
}
