import { Injectable, Logger } from '@nestjs/common';
import type { AuthHooks } from '../auth/auth-hooks.js';
import type { AuthPeer } from '../auth/auth-peer.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { ServerCall } from '../server/call.js';
import { isPublic } from './exception-mapping.js';

/** So many lines are told in so many ms; the others are counted. */
const MOST_LINES = 20;
const EVERY_MS = 10_000;

/** For whom a call is: nobody, without a user. */
export interface Caller {
  readonly user: string | undefined;
}

/** What a line shows of a text that may be anybody's. */
const MOST_SHOWN = 500;

/**
 * Who was refused, and why, in Nest's log under `Streaming`: never with the credentials, and in few
 * lines, however many try.
 */
@Injectable()
export class AuthLog implements AuthHooks {
  private readonly logger = new Logger('Streaming');
  #left = MOST_LINES;
  #untold = 0;
  #restedAt = Number.NEGATIVE_INFINITY;

  /** A call was refused, or ended, because of who it is for; `undefined` where only guards know. */
  denied({ method, connection }: ServerCall, caller: Caller | undefined, told: StreamError): void {
    this.#tell(() => {
      const who = caller === undefined ? 'a client' : nameOf(caller);
      const reason = withoutCredentials(reasonOf(told), connection.credentials);
      const why = `${told.code}, ${shown(reason)}`;
      return `${method.name} was denied to ${who}${addressOf(connection)}: ${why}`;
    });
  }

  /** Tokens that are bad or have run out are daily business, told in a line; accidents in full. */
  authenticatorFailed(peer: AuthPeer, error: unknown, credentials: string | null): void {
    const safe = (text: string) => withoutCredentials(text, credentials);
    this.#tell(
      () => {
        const told = shown(safe(isAccident(error) ? stackOf(error) : reasonThrown(error)));
        return `The authenticator threw for a client${addressOf(peer)}: ${told}`;
      },
      () => safe(stackOf(error)),
    );
  }

  otherUser(peer: AuthPeer): void {
    const told = 'A client presented credentials of another user than its calls run for';
    this.#tell(() => `${told}${addressOf(peer)}: it has to open a new connection`);
  }

  /** Revocations may be missing here. */
  lost(): void {
    this.#tell(
      () => 'Out of touch with the other servers for longer than the lease: guarded calls rest',
    );
  }

  regained(isWhole: boolean): void {
    const how = isWhole ? '' : ', and everyone is authenticated again, for some may have been lost';
    this.#tell(() => `In touch with the other servers again: all revocations are applied${how}`);
  }

  /** Whoever's logger it is, and whatever it is to show: hooks may not throw. */
  #tell(line: () => string, detail?: () => string): void {
    const now = performance.now();
    let others = '';
    if (now - this.#restedAt > EVERY_MS) {
      if (this.#untold > 0) others = ` (and ${this.#untold} more such lines before)`;
      this.#restedAt = now;
      this.#left = MOST_LINES;
      this.#untold = 0;
    }
    if (this.#left === 0) return void this.#untold++;
    this.#left--;
    try {
      this.logger.warn(`${line()}${others}`);
      if (detail !== undefined) this.logger.debug(detail());
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** What the log may know beyond what the client was told. */
function reasonOf(told: StreamError): string {
  const { cause, message } = told;
  const own: unknown = cause instanceof Error ? cause.cause : undefined;
  return typeof own === 'string' ? `${message} (${own})` : message;
}

function nameOf({ user }: Caller): string {
  return user === undefined ? 'nobody' : `the user ${shown(user)}`;
}

/** What the authenticator's own code does wrong, and no library of tokens says no by. */
function isAccident(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError;
}

/** `TokenExpiredError: jwt expired`; of what was made for clients, the message alone. */
function reasonThrown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isPublic(error) ? error.message : `${error.name}: ${error.message}`;
}

function addressOf({ remoteAddress }: { readonly remoteAddress: string | undefined }): string {
  return remoteAddress === undefined ? '' : ` at ${remoteAddress}`;
}

/** On one line, and no longer than a line. */
function shown(text: string): string {
  return JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text);
}

/** Not its properties: a request that failed may stand there, with all its headers. */
function stackOf(error: unknown): string {
  return error instanceof Error ? String(error.stack ?? error.message) : String(error);
}

/** With or without the name of a scheme before it. */
function withoutCredentials(text: string, credentials: string | null): string {
  const parts = credentials === null ? [] : [credentials, credentials.split(' ').at(-1) ?? ''];
  return parts
    .filter((it) => it.length > 0)
    .reduce((rest, it) => rest.replaceAll(it, '[credentials]'), text);
}
