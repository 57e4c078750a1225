import { afterEach, beforeEach, expect } from 'vitest';
import { Serializable } from '../../lib/model/registry.js';
import type { Limits } from '../../lib/protocol/limits.js';
import type { CodecName } from '../../lib/protocol/version.js';
import type { Handler } from '../engine/engine.js';
import { createHandlers, type Seen } from './handlers.js';
import type { Frame, RawPeer } from './raw-peer.js';
import { RealServer } from './real-server.js';

@Serializable()
export class Point {
  x = 0;
  y = 0;
}

export const JSON_NAME = 'nestjs-streaming.v1.json';
export const MSGPACK_NAME = 'nestjs-streaming.v1.msgpack';
export const CODECS: CodecName[] = ['json', 'msgpack'];

/** The server of the test that runs, and what its handlers saw. */
export let server: RealServer;
export let seen: Seen;

/** Starts it; `more` are handlers beside those that all have. */
export async function start(
  limits: Partial<Limits> = {},
  more: Record<string, Handler> = {},
): Promise<RealServer> {
  seen = [];
  const handlers = { ...createHandlers(seen), ...more };
  server = await RealServer.start(handlers, { limits, models: [Point] });
  return server;
}

/** Behind each test of this file the server must serve others, leave nothing and throw nothing. */
export function watchServer(): void {
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  beforeEach(() => {
    process.on('uncaughtException', onUncaught);
    process.on('unhandledRejection', onUncaught);
  });
  afterEach(async () => {
    await server.servesOthers();
    await server.stop();
    process.off('uncaughtException', onUncaught);
    process.off('unhandledRejection', onUncaught);
    expect(uncaught.splice(0)).toEqual([]);
  });
}

/** Sends frames on a connection of its own and tells the code it is closed with. */
export async function closeCode(codec: CodecName, ...frames: Frame[]): Promise<number> {
  const peer = await server.connect(codec);
  peer.send(...frames);
  const { code, reason } = await peer.closed;
  expect(reason).not.toBe('');
  expect(reason).not.toContain('evil');
  return code;
}

/** The error a call is refused or failed with. */
export async function errorOf(peer: RawPeer, call: number): Promise<Record<string, unknown>> {
  const { last } = await peer.output(call);
  expect(last.slice(0, 2)).toEqual([6, call]);
  return last[2] as Record<string, unknown>;
}
