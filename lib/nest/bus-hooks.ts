import type { BusHooks } from '../bus/bus-hooks.js';
import { callUser } from '../bus/user-function.js';
import { isPlainObject } from '../model/values.js';
import { shownValue } from '../protocol/shown-value.js';
import type { BusLog } from './bus-log.js';

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

/**
 * Refuses what could not be told anything. An instance of a class may hold more than hooks.
 *
 * @throws TypeError with a sentence that names the option.
 */
export function checkBusHooks(given: BusHooks | undefined): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError('StreamingModule: the option busHooks must be an object of functions.');
  }
  if (isPlainObject(given)) checkNames(given);
  for (const name of NAMES) checkHook(name, given[name]);
}

/** What the bus tells: the log, and the application's own hooks where it has any. */
export function createBusHooks(
  { busHooks }: { readonly busHooks: BusHooks | undefined },
  log: BusLog,
): BusHooks {
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

function checkNames(given: object): void {
  const known: readonly string[] = NAMES;
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw wrong(name, `is unknown: there are ${known.join(', ')}`);
  }
}

function checkHook(name: string, given: unknown): void {
  if (given === undefined || typeof given === 'function') return;
  throw wrong(name, `must be a function, not ${shownValue(given)}`);
}

function wrong(name: string, sentence: string): TypeError {
  return new TypeError(`StreamingModule: the option busHooks.${name} ${sentence}.`);
}
