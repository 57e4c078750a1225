import type { RevocationKind } from './revocation.js';

/** Why a call's guards are asked again. */
export type Change =
  | { readonly why: 'revoked'; readonly by: RevocationKind }
  | { readonly why: 'expired' }
  | { readonly why: 'renewed' };

/** One guarded call of a connection. */
export interface AuthMember {
  /** Whether items of it may be under way. */
  readonly mayWrite: boolean;
  /** Who it is has changed. */
  changed(change: Change): void;
  /** Revocations may be missing: nothing is written until `resume`. */
  suspend(): void;
  resume(): void;
}
