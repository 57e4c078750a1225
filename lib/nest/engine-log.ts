import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import type { BusHooks } from '../bus/bus-hooks.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { ServerCall, ServerPeer } from '../server/call.js';
import { isInputError } from '../server/input-error.js';
import type { ServerHooks } from '../server/server-hooks.js';
import { isPublic } from './exception-mapping.js';
import { Seldom } from './seldom.js';

/** What the engine and the bus tell of themselves, in Nest's log under `Streaming`. */
@Injectable()
export class EngineLog implements ServerHooks, BusHooks {
  private readonly logger = new Logger('Streaming');
  readonly #closures = new Seldom();
  readonly #refusedOrigins = new Seldom();
  readonly #foreignOrigins = new Seldom();
  #hasWarned = false;

  connectionOpened(): void {
    if (this.#hasWarned || process.listenerCount('SIGTERM') > 0) return;
    this.#hasWarned = true;
    this.#tell((it) =>
      it.warn(
        'Without app.enableShutdownHooks() a signal that stops the process cuts running calls off; with it they have time to end.',
      ),
    );
  }

  /** What a peer did wrong is told in few lines, however many peers do it. */
  connectionClosed(connection: ServerPeer, code: number, reason: string): void {
    const { id, remoteAddress = 'unknown' } = connection;
    const why = reason === '' ? '' : ` ${JSON.stringify(reason)}`;
    const told = `Connection ${id} of ${remoteAddress} closed: ${code}${why}`;
    const isWarned = isAbnormal(code) && this.#warnSeldom(this.#closures, told);
    if (!isWarned) this.#tell((it) => it.debug(told));
  }

  originRefused(origin: string, remoteAddress = 'unknown'): void {
    const page = `A page of ${shownOrigin(origin)} may not connect, at ${remoteAddress}`;
    this.#warnSeldom(this.#refusedOrigins, `${page}: allowedOrigins doesn't name it`);
  }

  credentialsDropped(origin: string, remoteAddress = 'unknown'): void {
    const page = `A page of ${shownOrigin(origin)}, at ${remoteAddress}, is taken without its cookies`;
    this.#warnSeldom(this.#foreignOrigins, `${page}: name it in allowedOrigins if it is yours`);
  }

  /** A class without validation metadata must not be taken for validated. */
  takenUnchecked(where: string, model: string): void {
    this.#tell((it) =>
      it.warn(
        `${where} takes ${model}, which has no class-validator decorators: what clients send in it is not checked.`,
      ),
    );
  }

  connectionBroken(connection: ServerPeer, error: unknown): void {
    this.#tell((it) => it.error(`Connection ${connection.id} was closed: ${show(error)}`));
  }

  /**
   * What a client did wrong is its own affair, and so is an input that it failed to give; accidents
   * of the server are told in full.
   */
  callFailed({ id, method }: ServerCall, error: unknown, told: StreamError): void {
    this.#tell((it) => {
      const isAccident = told.code === 'internal' && !isInputError(told);
      if (isAccident)
        it.error(`${method.name} failed, error ${idOf(told)}: ${showAll(error, told)}`);
      else it.debug(`${method.name}, call ${id}: ${told.code}, ${told.message}`);
    });
  }

  handlerFailedLate({ id, method }: ServerCall, error: unknown): void {
    this.#tell((it) => {
      if (isPublic(error)) it.debug(`${method.name}, call ${id}: denied late`);
      else it.error(`${method.name} failed when its call was over: ${show(error)}`);
    });
  }

  handlerStuck({ method }: ServerCall, afterMs: number): void {
    this.#tell((it) =>
      it.warn(
        `${method.name} still runs ${afterMs} ms after its call was over, and keeps its place. It should heed session.signal.`,
      ),
    );
  }

  closeFunctionFailed({ method }: ServerCall, error: unknown): void {
    this.#tell((it) => it.error(`A function of ${method.name} to run at its end: ${show(error)}`));
  }

  listenerFailed(channel: string, error: unknown): void {
    this.#tell((it) => it.error(`A listener of the channel "${channel}" failed: ${show(error)}`));
  }

  channelFailed(channel: string, error: unknown): void {
    this.#tell((it) => it.error(`The channel "${channel}" can't be served: ${show(error)}`));
  }

  #warnSeldom(kind: Seldom, line: string): boolean {
    return kind.tell((others) => this.#tell((it) => it.warn(`${line}${others}`)));
  }

  /** Whatever it is they tell of, and whoever's logger it is: hooks may not throw. */
  #tell(tell: (logger: Logger) => void): void {
    try {
      tell(this.logger);
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** What anybody may have written, on one line and no longer. */
function shownOrigin(origin: string): string {
  return JSON.stringify(origin.slice(0, 200));
}

/** An error may have been given its id elsewhere, by another server say. */
function idOf({ id = '' }: StreamError): string {
  return /^[\w-]{1,64}$/.test(id) ? id : 'without an id';
}

/** Closed for what the peer did, or did not do, by the protocol's own codes or those of WebSocket. */
function isAbnormal(code: number): boolean {
  return code >= 4400 || code === 1007 || code === 1009 || code === 1011;
}

/** What was thrown, and what an exception filter that failed made of it. */
function showAll(error: unknown, { cause }: StreamError): string {
  const isFiltered = cause !== undefined && cause !== error;
  return isFiltered ? `${show(error)}, which a filter made ${show(cause)}` : show(error);
}

/** What is thrown may say of itself how it is shown, and throw again. */
function show(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return `an error that can not be shown, with ${showParts(error)}`;
  }
}

/** What stands in an error, each property by itself and no getter run. */
function showParts(error: unknown): string {
  const parts = new Map<unknown, unknown>();
  try {
    for (const key of Reflect.ownKeys(error as object)) parts.set(key, ownValue(error, key));
    return inspect(parts);
  } catch {
    return `${parts.size} parts or more`;
  }
}

/** The stack of an error is made when it is asked for, of what may throw. */
function ownValue(error: unknown, key: PropertyKey): unknown {
  try {
    return Reflect.getOwnPropertyDescriptor(error as object, key)?.value;
  } catch {
    return undefined;
  }
}
