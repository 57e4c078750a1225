import type { Type } from '@nestjs/common';
import type { Authenticator } from '../auth/authenticator.js';
import { shownValue } from '../protocol/shown-value.js';

/** How authentication and revocation work: the option `auth` of `StreamingModule.forRoot()`. */
export interface AuthOptions {
  /**
   * Closes every streaming method to those who are not signed in, but for those with `@Public()`.
   * @default false
   */
  readonly protectByDefault?: boolean;
  /**
   * How long a revocation is kept, in ms: as long as the longest-lived of your tokens, which could
   * be presented again until then. At most 2_147_483_647. @default 86_400_000, a day
   */
  readonly revocationTtlMs?: number;
  /**
   * How long a server that lost touch with the others goes on writing items of guarded calls, in
   * ms; and so how long `AuthRevocation` may wait for one that doesn't answer. At least 1_000; the
   * same on all servers. @default 60_000
   */
  readonly leaseMs?: number;
  /** A lease of five seconds, instead of `leaseMs`. @default false */
  readonly strict?: boolean;
  /** How long the authenticator may take, in ms. @default 10_000 */
  readonly authenticatorTimeoutMs?: number;
  /**
   * How many presentations of credentials that authenticate nobody close a connection.
   * @default 10
   */
  readonly failuresPerConnection?: number;
}

/** What `authenticator` takes: a class, which Nest makes with its dependencies, or an instance. */
export type AuthenticatorOption = Type<Authenticator> | Authenticator;

/** The options with their defaults. */
export interface ResolvedAuthOptions {
  readonly protectByDefault: boolean;
  readonly revocationTtlMs: number;
  readonly leaseMs: number;
  readonly authenticatorTimeoutMs: number;
  readonly failuresPerConnection: number;
}

const DAY_MS = 86_400_000;
const STRICT_LEASE_MS = 5_000;
const LONGEST_MS = 2_147_483_647;

const KNOWN = [
  'protectByDefault',
  'revocationTtlMs',
  'leaseMs',
  'strict',
  'authenticatorTimeoutMs',
  'failuresPerConnection',
];

/**
 * Fills in the defaults.
 *
 * @throws TypeError with a sentence that names the option.
 */
export function resolveAuthOptions(
  given: AuthOptions = {},
  authenticator?: AuthenticatorOption,
): ResolvedAuthOptions {
  checkAuthenticator(authenticator);
  checkNames(given);
  const { protectByDefault = false, strict = false } = given;
  checkBoolean('protectByDefault', protectByDefault);
  checkBoolean('strict', strict);
  if (strict && given.leaseMs !== undefined) throw wrong('strict', 'can not stand with leaseMs');
  if (protectByDefault && authenticator === undefined) {
    throw wrong('protectByDefault', 'needs the option authenticator: nobody could sign in');
  }
  const { leaseMs = strict ? STRICT_LEASE_MS : 60_000, revocationTtlMs = DAY_MS } = given;
  const { authenticatorTimeoutMs = 10_000, failuresPerConnection = 10 } = given;
  checkNumber('leaseMs', leaseMs, 1_000);
  checkNumber('revocationTtlMs', revocationTtlMs, leaseMs);
  checkNumber('authenticatorTimeoutMs', authenticatorTimeoutMs, 1);
  checkNumber('failuresPerConnection', failuresPerConnection, 1);
  return {
    protectByDefault,
    revocationTtlMs,
    leaseMs,
    authenticatorTimeoutMs,
    failuresPerConnection,
  };
}

function checkAuthenticator(given: unknown): void {
  if (given === undefined) return;
  const it: unknown = typeof given === 'function' ? given.prototype : given;
  if (typeof (it as Partial<Authenticator> | null)?.authenticate === 'function') return;
  throw new TypeError(
    'StreamingModule: the option authenticator must be a class with a method authenticate(), or an instance of one.',
  );
}

function checkNames(given: object): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('StreamingModule: the option auth must be an object.');
  }
  for (const name of Object.keys(given)) {
    if (!KNOWN.includes(name)) throw wrong(name, `is unknown: there are ${KNOWN.join(', ')}`);
  }
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean')
    throw wrong(name, `must be true or false, not ${shownValue(value)}`);
}

function checkNumber(name: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= LONGEST_MS) return;
  const range = `a whole number from ${least} to ${LONGEST_MS}`;
  throw wrong(name, `must be ${range}, not ${shownValue(value)}`);
}

function wrong(name: string, sentence: string): TypeError {
  return new TypeError(`StreamingModule: the option auth.${name} ${sentence}.`);
}
