import {
  type CanActivate,
  type CustomDecorator,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common';
import { isPublic as isPublicError } from './exception-mapping.js';
import { StreamingSession } from './streaming-session.js';

const PUBLIC = Symbol.for('nestjs-streaming:public');

/**
 * Opens a streaming method, or all of a class, that `auth.protectByDefault`, {@link RequireLogin} or
 * {@link RequireScopes} would close. The nearer one wins: on a method it opens what the guards of
 * its class and global ones close, on a class what global ones close. Guards of your own are asked
 * all the same.
 */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata(PUBLIC, true);
}

/** Whether {@link Public} stands on a method, or on a class. */
export function isPublic(target: object): boolean {
  return Reflect.getMetadata(PUBLIC, target) === true;
}

/** Whether a guard is one of these two; a class that extends one is its author's. */
export function isOwnGuard(guard: CanActivate): boolean {
  return guard.constructor === RequireLogin || guard.constructor === ScopesGuard;
}

/**
 * Lets in who is signed in: a call of anybody else is `unauthenticated`, or fails as the
 * authenticator said. `@UseGuards(RequireLogin)`, for streaming methods.
 */
@Injectable()
export class RequireLogin implements CanActivate {
  /** @throws UnauthorizedException, or what the authenticator threw, if that is for clients. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const session = sessionOf(context, 'RequireLogin');
    if (session.auth !== null) return true;
    const { authError } = session;
    throw isPublicError(authError) ? authError : new UnauthorizedException('Sign in first.');
  }
}

/**
 * Lets in who is signed in with all of these scopes; without one of them a call is
 * `permission-denied`. `@UseGuards(RequireScopes('draw'))`, for streaming methods.
 *
 * @throws TypeError for no scope, or one that is not a text.
 */
export function RequireScopes(...scopes: readonly string[]): CanActivate {
  if (scopes.length === 0 || !scopes.every((it) => typeof it === 'string' && it !== '')) {
    throw new TypeError('RequireScopes() takes the names of scopes, at least one.');
  }
  return new ScopesGuard(scopes);
}

class ScopesGuard extends RequireLogin {
  readonly #scopes: readonly string[];

  constructor(scopes: readonly string[]) {
    super();
    this.#scopes = scopes;
  }

  override canActivate(context: ExecutionContext): boolean {
    super.canActivate(context);
    const held = sessionOf(context, 'RequireScopes').auth?.scopes ?? [];
    const missing = this.#scopes.filter((scope) => !held.includes(scope));
    if (missing.length === 0) return true;
    // For the log; which scopes there are is not for clients.
    const cause = `the scope ${missing.join(', ')} is missing`;
    throw new ForbiddenException('This needs more rights than you have.', { cause });
  }
}

function sessionOf(context: ExecutionContext, guard: string): StreamingSession {
  const client: unknown = context.switchToWs().getClient();
  if (context.getType() === 'ws' && client instanceof StreamingSession) return client;
  throw new Error(
    `${guard} guards streaming methods, and ${context.getClass().name}.${context.getHandler().name} was not called as one: it can't know who is there.`,
  );
}
