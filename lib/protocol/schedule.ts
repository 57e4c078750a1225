/**
 * What is to run: a function, or an object that would need one of its own for it. Of a thousand
 * connections' functions none is in the processor's caches when its turn comes.
 */
export type Task = (() => void) | { run(): void };

/** Runs what was scheduled. */
export function runTask(task: Task): void {
  if (typeof task === 'function') task();
  else task.run();
}

/**
 * Runs a task once the current turn of the event loop has done its work: after the promises
 * that are already settled, before the loop sleeps. No timer, so it adds no latency.
 */
export type Schedule = (task: Task) => void;

/**
 * A schedule that runs together what one turn asks for: a thousand connections would each pay for
 * the event loop's way there.
 *
 * @param defer how a turn is waited for. @default `setImmediate` in Node, a message to itself in a
 * browser
 */
export function createSchedule(defer: Defer = createDefer()): Schedule {
  let waiting: Task[] = [];
  const runAll = (): void => {
    const tasks = waiting;
    waiting = [];
    let next = 0;
    try {
      while (next < tasks.length) runTask(tasks[next++] as Task);
    } finally {
      // One that throws doesn't keep the others from running.
      for (const task of tasks.slice(next)) schedule(task);
    }
  };
  const schedule = (task: Task): void => {
    if (waiting.push(task) === 1) defer(runAll);
  };
  return schedule;
}

/** Waits for the end of a turn. */
type Defer = (run: () => void) => void;

function createDefer(): Defer {
  if (typeof setImmediate === 'function') return (run) => void setImmediate(run);
  const channel = new MessageChannel();
  const queue: (() => void)[] = [];
  channel.port1.onmessage = () => queue.shift()?.();
  return (run) => {
    queue.push(run);
    channel.port2.postMessage(null);
  };
}
