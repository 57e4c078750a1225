import type { Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { ConnectionAuthentication } from '../auth/connection-authentication.js';
import type { ServerCall } from '../server/call.js';
import type { StreamingSession } from './streaming-session.js';

/** What one call is for Nest's pipeline. */
export interface CallContext {
  readonly call: ServerCall;
  readonly session: StreamingSession;
  /** Whose call it is; `undefined` where nobody is authenticated. */
  readonly who: ConnectionAuthentication | undefined;
  /** `getClient()`, `getData()` and `getPattern()`; for HTTP's eyes the first is the request. */
  readonly args: [client: StreamingSession, data: readonly unknown[], pattern: string];
}

/** What guards, interceptors, filters and parameter decorators are given. */
export function createExecutionContext(
  args: CallContext['args'],
  host: Type,
  handler: (...args: unknown[]) => unknown,
): ExecutionContextHost {
  const context = new ExecutionContextHost(args, host, handler);
  context.setType('ws');
  return context;
}
