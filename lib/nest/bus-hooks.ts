import type { BusHooks } from '../bus/bus-hooks.js';
import { callUser } from '../bus/user-function.js';
import type { BusLog } from './bus-log.js';
import type { ResolvedOptions } from './streaming-options.js';

const NAMES = [
  'published',
  'publishFailed',
  'delivered',
  'dropped',
  'listenerFailed',
  'gap',
  'channelFailed',
  'badMessage',
  'statusChanged',
  'probed',
] as const satisfies readonly (keyof BusHooks)[];

type Hook = (...args: unknown[]) => unknown;

/** What the bus tells: the log, and the application's own hooks where it has any. */
export function createBusHooks({ busHooks }: ResolvedOptions, log: BusLog): BusHooks {
  if (busHooks === undefined) return log;
  return Object.fromEntries(NAMES.map((name) => [name, both(name, log, busHooks)]));
}

function both(name: keyof BusHooks, log: BusLog, own: BusHooks): Hook {
  const tellLog = log[name].bind(log) as Hook;
  const tellOwn = own[name]?.bind(own) as Hook | undefined;
  if (tellOwn === undefined) return tellLog;
  return (...args) => {
    tellLog(...args);
    callUser(
      (all) => tellOwn(...all),
      args,
      (error) => log.hookFailed(name, error),
    );
  };
}
