import type { INestApplication, LoggerService, ModuleMetadata } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach } from 'vitest';
import { createStreamingClient } from '../../lib/client/index.js';
import type { StreamingClientOptions } from '../../lib/client/options.js';
import type { StreamingClient } from '../../lib/client/types.js';
import { StreamingModule, type StreamingModuleOptions } from '../../lib/index.js';
import { StreamingServer } from '../../lib/server/streaming-server.js';

export type Platform = 'express' | 'fastify';

export interface AppSetup extends ModuleMetadata {
  readonly platform?: Platform;
  readonly options?: StreamingModuleOptions;
  /** Runs before the application starts: global enhancers, adapters. */
  readonly configure?: (app: INestApplication) => void;
}

/** What the application logged, by level. */
export class TestLog implements LoggerService {
  readonly lines: string[] = [];
  log = (message: string) => void this.lines.push(`log ${message}`);
  warn = (message: string) => void this.lines.push(`warn ${message}`);
  error = (message: string) => void this.lines.push(`error ${message}`);
  debug = (message: string) => void this.lines.push(`debug ${message}`);

  /** The lines of a level that tell of something. */
  find(level: string, text: string): string[] {
    return this.lines.filter((line) => line.startsWith(level) && line.includes(text));
  }
}

export interface RunningApp {
  readonly app: INestApplication;
  readonly server: StreamingServer;
  readonly log: TestLog;
  readonly port: number;
  /** A client of its own connection, closed after the test. */
  connect<T>(options?: Partial<StreamingClientOptions>): StreamingClient<T>;
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs something after the test, the last given first. */
export function afterTest(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

/** Starts an application on a port of its own, with StreamingModule beside what is given. */
export async function startApp(setup: AppSetup): Promise<RunningApp> {
  const { platform, options, configure, imports = [], ...metadata } = setup;
  const all = [StreamingModule.forRoot(options), ...imports];
  const module = await Test.createTestingModule({ ...metadata, imports: all }).compile();
  const app = createOn(platform, module);
  configure?.(app);
  return listen(app);
}

/** Listens on any port of the loopback; the application is closed after the test. */
export async function listen(app: INestApplication): Promise<RunningApp> {
  const log = new TestLog();
  app.useLogger(log);
  afterTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const server = app.get(StreamingServer, { strict: false });
  return { app, server, log, port, connect: (options) => connectTo(port, options) };
}

/** A client of whatever listens on the port. */
export function connectTo<T>(
  port: number,
  options: Partial<StreamingClientOptions> = {},
): StreamingClient<T> {
  const url = `ws://127.0.0.1:${port}/streaming`;
  const client = createStreamingClient<T>({ url, ...options });
  afterTest(() => client.close());
  return client;
}

function createOn(
  platform: Platform = 'express',
  module: Awaited<ReturnType<ReturnType<typeof Test.createTestingModule>['compile']>>,
): INestApplication {
  if (platform === 'express') return module.createNestApplication(new ExpressAdapter());
  return module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
}

/** All items of a stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** The same items as a web stream. */
export function readableOf<T>(items: AsyncGenerator<T>): ReadableStream<T> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await items.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await items.return(undefined)),
  });
}

/** What a promise or stream fails with. */
export async function failure(running: PromiseLike<unknown> | AsyncIterable<unknown>) {
  try {
    const result = await running;
    if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result) {
      await collect(result as AsyncIterable<unknown>);
    }
  } catch (error) {
    return error as Error & { code: string; data?: unknown; id?: string };
  }
  throw new Error('It did not fail.');
}

/** Waits for a condition that something else brings about. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`This never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
