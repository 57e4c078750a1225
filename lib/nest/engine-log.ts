import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import type { BusHooks } from '../bus/bus-hooks.js';
import type { StreamError } from '../protocol/stream-error.js';
import type { ServerCall, ServerPeer } from '../server/call.js';
import type { ServerHooks } from '../server/server-hooks.js';
import { isPublic } from './exception-mapping.js';

/** A connection that a peer's fault closed is told at most this often, in ms. */
const ABNORMAL_EVERY_MS = 10_000;

/** What the engine and the bus tell of themselves, in Nest's log under `Streaming`. */
@Injectable()
export class EngineLog implements ServerHooks, BusHooks {
  private readonly logger = new Logger('Streaming');
  #hasWarned = false;
  #quietUntil = 0;
  #untold = 0;

  connectionOpened(): void {
    if (this.#hasWarned || process.listenerCount('SIGTERM') > 0) return;
    this.#hasWarned = true;
    this.logger.warn(
      'Without app.enableShutdownHooks() a signal that stops the process cuts running calls off; with it they have time to end.',
    );
  }

  /** What a peer did wrong is told in few lines, however many peers do it. */
  connectionClosed(connection: ServerPeer, code: number, reason: string): void {
    const { id, remoteAddress = 'unknown' } = connection;
    const why = reason === '' ? '' : ` ${JSON.stringify(reason)}`;
    const told = `Connection ${id} of ${remoteAddress} closed: ${code}${why}`;
    if (!isAbnormal(code)) return this.logger.debug(told);
    const now = performance.now();
    if (now < this.#quietUntil) {
      this.#untold++;
      return this.logger.debug(told);
    }
    const others =
      this.#untold === 0 ? '' : ` (and ${this.#untold} others since the last such line)`;
    this.#quietUntil = now + ABNORMAL_EVERY_MS;
    this.#untold = 0;
    this.logger.warn(`${told}${others}`);
  }

  /** A class without validation metadata must not be taken for validated. */
  takenUnchecked(where: string, model: string): void {
    this.logger.warn(
      `${where} takes ${model}, which has no class-validator decorators: what clients send in it is not checked.`,
    );
  }

  connectionBroken(connection: ServerPeer, error: unknown): void {
    this.logger.error(`Connection ${connection.id} was closed: ${show(error)}`);
  }

  /** What a client did wrong is its own affair; accidents of the server are told in full. */
  callFailed(call: ServerCall, error: unknown, told: StreamError): void {
    if (told.code !== 'internal') {
      return this.logger.debug(
        `${call.method.name}, call ${call.id}: ${told.code}, ${told.message}`,
      );
    }
    const id = /^[\w-]{1,64}$/.test(told.id ?? '') ? told.id : 'without an id';
    this.logger.error(`${call.method.name} failed, error ${id}: ${show(error)}`);
  }

  handlerFailedLate(call: ServerCall, error: unknown): void {
    if (isPublic(error))
      return this.logger.debug(`${call.method.name}, call ${call.id}: denied late`);
    this.logger.error(`${call.method.name} failed when its call was over: ${show(error)}`);
  }

  handlerStuck(call: ServerCall, afterMs: number): void {
    this.logger.warn(
      `${call.method.name} still runs ${afterMs} ms after its call was over, and keeps its place. It should heed session.signal.`,
    );
  }

  closeFunctionFailed(call: ServerCall, error: unknown): void {
    this.logger.error(`A function of ${call.method.name} to run at its end: ${show(error)}`);
  }

  listenerFailed(channel: string, error: unknown): void {
    this.logger.error(`A listener of the channel "${channel}" failed: ${show(error)}`);
  }

  gap(channel: string, reason: string): void {
    this.logger.warn(`Messages of the channel "${channel}" may be lost: ${reason}`);
  }

  channelFailed(channel: string, error: unknown): void {
    this.logger.error(`The channel "${channel}" can't be served: ${show(error)}`);
  }
}

/** Closed for what the peer did, or did not do, by the protocol's own codes or those of WebSocket. */
function isAbnormal(code: number): boolean {
  return code >= 4400 || code === 1007 || code === 1009 || code === 1011;
}

/** What is thrown may say of itself how it is shown, and throw again. */
function show(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return 'an error that can not be shown';
  }
}
