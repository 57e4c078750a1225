import type { ServerHooks } from '../server/server-hooks.js';
import type { AuthLog } from './auth-log.js';
import type { EngineLog } from './engine-log.js';
import type { StreamingAuthentication } from './streaming-authentication.js';

const DENIALS: ReadonlySet<string> = new Set(['unauthenticated', 'permission-denied', 'revoked']);

/** What the engine tells of itself, to those who need to know. */
export function createEngineHooks(
  log: EngineLog,
  authentication: StreamingAuthentication,
  authLog: AuthLog,
): ServerHooks {
  return {
    connectionOpened: () => log.connectionOpened(),
    credentialsPresented: (connection) => authentication.presented(connection),
    connectionClosed: (connection, code, reason) => {
      authentication.gone(connection);
      log.connectionClosed(connection, code, reason);
    },
    callFailed: (call, error, told) => {
      if (!DENIALS.has(told.code)) return log.callFailed(call, error, told);
      const who = authentication.of(call.connection);
      authLog.denied(call, who && { user: who.lastUser }, told);
    },
    handlerFailedLate: (call, error) => log.handlerFailedLate(call, error),
    handlerStuck: (call, afterMs) => log.handlerStuck(call, afterMs),
    closeFunctionFailed: (call, error) => log.closeFunctionFailed(call, error),
    originRefused: (origin, address) => log.originRefused(origin, address),
    credentialsDropped: (origin, address) => log.credentialsDropped(origin, address),
    connectionBroken: (connection, error) => log.connectionBroken(connection, error),
  };
}
