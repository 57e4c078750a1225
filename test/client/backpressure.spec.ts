import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createClient } from '../../lib/client/create-client.js';
import { createWebSocketConnect, type WebSocketClass } from '../../lib/client/web-socket.js';
import type { ServerCall } from '../../lib/server/call.js';
import { StreamController } from '../../lib/stream/stream-controller.js';
import { type EngineClient, until } from '../engine/engine.js';
import { usedMemory } from './memory.js';
import { delay, Service } from './service.js';

const MIB = 1_048_576;
const TEXT = 'x'.repeat(1_000);

let pulled = 0;
let release: () => void = () => undefined;
const handlers = {
  async *endless() {
    for (;;) {
      pulled++;
      yield { n: pulled, text: TEXT };
    }
  },
  async unread(_call: ServerCall, input: AsyncIterable<unknown>) {
    await new Promise<void>((resolve) => (release = resolve));
    let read = 0;
    for await (const _ of input) if (++read === 2_000) break;
    return read;
  },
  async count(_call: ServerCall, input: AsyncIterable<unknown>) {
    let read = 0;
    for await (const _ of input) read++;
    return read;
  },
  ready: () => 'ready',
};

let service: Service<typeof handlers>;

afterEach(() => service.close());

/** Resolves when a counter has stopped to grow. */
async function settled(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await delay(40);
    if (read() === before && before > 0) return before;
  }
}

describe('A reader that stops', () => {
  it('stops the server’s source at its window, with bounded memory, and goes on where it was', async () => {
    service = await Service.start(handlers);
    const client = service.createClient();
    await client.test.ready();
    const before = usedMemory();
    pulled = 0;
    const readers = Array.from({ length: 8 }, () => client.test.endless()[Symbol.asyncIterator]());
    const stopped = await settled(() => pulled);
    // 256 KiB of items of 1 KB each, for each of the calls.
    expect(stopped).toBeLessThan(8 * 300);
    expect(usedMemory() - before).toBeLessThan(16 * MIB);
    expect(await client.test.ready()).toBe('ready');
    const [reader] = readers;
    for (let i = 0; i < 1_000; i++) expect((await reader?.next())?.done).toBe(false);
    expect(await settled(() => pulled)).toBeGreaterThan(stopped + 700);
    for (const each of readers) await each.return?.();
  });

  it('stops the client’s source at the server’s window, and goes on where it was', async () => {
    service = await Service.start(handlers);
    const client = service.createClient({ codec: 'msgpack' });
    let given = 0;
    async function* source() {
      for (;;) yield { n: ++given, text: TEXT };
    }
    const output = client.test.unread(source());
    expect(await settled(() => given)).toBeLessThan(300);
    expect(await client.test.ready()).toBe('ready');
    release();
    expect(await output).toBe(2_000);
    expect(given).toBeLessThan(2_600);
  });

  it('lets a StreamController tell its owner to wait', async () => {
    service = await Service.start(handlers);
    const client = service.createClient();
    const input = new StreamController<object>();
    const output = client.test.unread(input);
    let added = 0;
    const adding = (async () => {
      for (;;) {
        await input.add({ n: added, text: TEXT });
        added++;
      }
    })().catch(() => 'stopped');
    expect(await settled(() => added)).toBeLessThan(300 + 256);
    release();
    expect(await output).toBe(2_000);
    expect(await adding).toBe('stopped');
  });
});

describe('A socket that is not read', () => {
  /** The client’s window is no bound here: only the socket’s buffers are. */
  const clientLimits = { windowItems: 100_000_000, windowBytes: 1_000_000_000 };

  it('stops the server’s sources until it is read again', async () => {
    service = await Service.start(handlers);
    const sockets: WebSocket[] = [];
    class Watched extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const connect = createWebSocketConnect(service.url, Watched as unknown as WebSocketClass);
    const client = createClient({ limits: clientLimits }, connect) as unknown as EngineClient<
      typeof handlers
    >;
    await client.test.ready();
    pulled = 0;
    const before = usedMemory();
    sockets[0]?.pause();
    const reader = client.test.endless()[Symbol.asyncIterator]();
    const stopped = await settled(() => pulled);
    expect(stopped * TEXT.length).toBeLessThan(24 * MIB);
    expect(usedMemory() - before).toBeLessThan(8 * MIB);
    sockets[0]?.resume();
    await until(() => pulled > stopped);
    expect((await reader.next()).done).toBe(false);
    await reader.return?.();
    await client.close();
  });

  it('stops the client’s sources until it is read again, and loses nothing', async () => {
    service = await Service.start(handlers, clientLimits);
    const client = service.createClient();
    await client.test.ready();
    let given = 0;
    let stop = false;
    async function* source() {
      while (!stop) yield { n: ++given, text: TEXT };
    }
    for (const socket of service.sockets) socket.pause();
    const before = usedMemory();
    const output = client.test.count(source());
    const stopped = await settled(() => given);
    expect(stopped * TEXT.length).toBeLessThan(24 * MIB);
    expect(usedMemory() - before).toBeLessThan(8 * MIB);
    for (const socket of service.sockets) socket.resume();
    await until(() => given > stopped);
    stop = true;
    expect(await output).toBe(given);
  });
});
