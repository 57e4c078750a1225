import { describe, expect, it } from 'vitest';
import { Serializable } from '../model/registry.js';
import { createStreamingClient as createBrowserClient } from './browser.js';
import { createStreamingClient } from './index.js';
import { type ClientOptions, resolveClientOptions } from './options.js';

const connect = () => () => undefined;

@Serializable()
class Known {}

class Forgotten extends Known {}

describe('The options of a client', () => {
  it('have defaults', () => {
    const parts = resolveClientOptions({}, connect);
    expect(parts).toMatchObject({ codec: 'json', connectTimeoutMs: 5_000, idleMs: 5_000 });
    expect(parts.credentials).toBeUndefined();
  });

  it('may be 0 where a time is meant', () => {
    const parts = resolveClientOptions({ idleMs: 0, backoff: { firstMs: 0, maxMs: 0 } }, connect);
    expect(parts.idleMs).toBe(0);
  });

  it.each<[name: string, options: unknown]>([
    ['codec', { codec: 'xml' }],
    ['connectTimeoutMs', { connectTimeoutMs: -1 }],
    ['idleMs', { idleMs: Number.NaN }],
    ['idleMs', { idleMs: Number.POSITIVE_INFINITY }],
    ['idleMs', { idleMs: '5' }],
    ['idleMs', { idleMs: 2 ** 31 }],
    ['backoff.firstMs', { backoff: { firstMs: -1 } }],
    ['backoff.maxMs', { backoff: { maxMs: 2 ** 31 } }],
    ['limits.windowItems', { limits: { windowItems: 0 } }],
    ['limits.messageBytes', { limits: { messageBytes: 1 } }],
    ['limits.stuckHandlerMs', { limits: { stuckHandlerMs: 1 } }],
    ['credentials', { credentials: 'token' }],
    ['model is unknown', { model: [Known] }],
    ['backoff.maxDelayMs', { backoff: { maxDelayMs: 1 } }],
    ['models must', { models: Known }],
    ['models[1]', { models: [Known, undefined] }],
    ['models[1], Forgotten', { models: [Known, Forgotten] }],
  ])('are refused with a sentence that names %s', (name, options) => {
    expect(() => resolveClientOptions(options as ClientOptions, connect)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(name) }),
    );
  });

  it('may be there and undefined, whatever their names', () => {
    const options = { model: undefined, backoff: { maxDelayMs: undefined } } as ClientOptions;
    expect(() => resolveClientOptions(options, connect)).not.toThrow();
  });

  it.each([
    ['Node', createStreamingClient],
    ['a browser', createBrowserClient],
  ])('of a client for %s have to say where the server is', (_, create) => {
    for (const url of ['', undefined, null] as string[]) {
      expect(() => create({ url })).toThrow(new TypeError(MISSING_URL));
    }
  });

  it.each(['/streaming', 'localhost:3000/streaming', 'example.com', 'ftp://example.com', 'ws://'])(
    'are refused in Node with a url like %s',
    (url) => {
      expect(() => createStreamingClient({ url })).toThrow(
        new TypeError(
          `url must be absolute and begin with ws://, wss://, http:// or https://, not ${url}.`,
        ),
      );
    },
  );

  it.each(['ws', 'wss', 'http', 'https', 'WS'])('may have a url of %s', async (protocol) => {
    await createStreamingClient({ url: `${protocol}://localhost/streaming` }).close();
  });

  it('may have a url in a browser that is relative to the page', async () => {
    await createBrowserClient({ url: '/streaming' }).close();
  });
});

const MISSING_URL =
  "url is missing: where the server listens, 'ws://localhost:3000/streaming' say.";
