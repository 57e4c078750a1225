import { StreamError } from '../protocol/stream-error.js';
import type { AuthenticationInfo } from './authentication-info.js';
import type { AuthenticationsOptions } from './authentications-options.js';
import type { AuthenticationRequest } from './authenticator.js';

/** What the authenticator said; `error` is why it could say nothing. */
export interface Answer {
  readonly info: AuthenticationInfo | null;
  readonly error?: unknown;
}

/** Asks who presents these credentials, in bounded time. Never rejects. */
export async function askAuthenticator(
  options: AuthenticationsOptions,
  credentials: string | null,
  { headers, remoteAddress }: AuthenticationRequest,
): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(options.timeoutMs)), options.timeoutMs);
  });
  try {
    const asked = options.authenticate(credentials, { headers, remoteAddress });
    const info = await Promise.race([asked, late]);
    return { info: isOver(checkInfo(info)) ? null : info };
  } catch (error) {
    return { info: null, error };
  } finally {
    clearTimeout(timer);
  }
}

function isOver(info: AuthenticationInfo | null): boolean {
  return info?.expiresAt !== undefined && info.expiresAt.getTime() <= Date.now();
}

/** What the application gives is checked once, so that nothing behind it has to. */
function checkInfo(info: unknown): AuthenticationInfo | null {
  if (info === null || info === undefined) return null;
  const { userId, authId, scopes, expiresAt, issuedAt } = info as AuthenticationInfo;
  if (!isId(userId)) throw wrong('userId must be a string that is not empty, or a number');
  if (authId !== undefined && !isId(authId)) throw wrong('authId must be a string or a number');
  if (scopes !== undefined && !Array.isArray(scopes)) throw wrong('scopes must be an array');
  if (!isTime(expiresAt)) throw wrong('expiresAt must be a valid Date');
  if (!isTime(issuedAt)) throw wrong('issuedAt must be a valid Date');
  return info as AuthenticationInfo;
}

function isId(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || Number.isFinite(value);
}

function isTime(value: unknown): boolean {
  return value === undefined || (value instanceof Date && !Number.isNaN(value.getTime()));
}

function wrong(complaint: string): TypeError {
  return new TypeError(`What the authenticator gave is no AuthenticationInfo: ${complaint}.`);
}

function tooSlow(timeoutMs: number): StreamError {
  return new StreamError('unavailable', `The authenticator gave no answer within ${timeoutMs} ms.`);
}
