import type { AuthenticationInfo } from './authentication-info.js';

/** What was taken from a user: everything, one sign-in, or some scopes of every sign-in. */
export type Revocation =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'auth'; readonly userId: string; readonly authId: string }
  | { readonly kind: 'scopes'; readonly userId: string; readonly scopes: readonly string[] };

export type RevocationKind = Revocation['kind'];

/** Whether it takes anything from this authentication. */
export function concerns(revocation: Revocation, info: AuthenticationInfo): boolean {
  if (revocation.userId !== String(info.userId)) return false;
  if (revocation.kind === 'user') return true;
  if (revocation.kind === 'auth') return revocation.authId === String(info.authId ?? '');
  return revocation.scopes.some((scope) => info.scopes?.includes(scope));
}

/** What is left of an authentication that a revocation concerns; `null` for nothing. */
export function leftOf(
  info: AuthenticationInfo,
  revocation: Revocation,
): AuthenticationInfo | null {
  if (revocation.kind !== 'scopes') return null;
  const { scopes } = revocation;
  return { ...info, scopes: (info.scopes ?? []).filter((scope) => !scopes.includes(scope)) };
}

/** The revocation as it stands in the cluster's log. */
export function toEntry(revocation: Revocation): string {
  return JSON.stringify(revocation);
}

/** @throws TypeError for what is not an entry. */
export function parseEntry(entry: string): Revocation {
  const value: unknown = JSON.parse(entry);
  if (isRevocation(value)) return value;
  throw new TypeError('An entry of the revocations is of a wrong shape.');
}

function isRevocation(value: unknown): value is Revocation {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, userId, authId, scopes } = value as Record<string, unknown>;
  if (typeof userId !== 'string') return false;
  if (kind === 'user') return true;
  if (kind === 'auth') return typeof authId === 'string';
  return kind === 'scopes' && Array.isArray(scopes) && scopes.every(isString);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
